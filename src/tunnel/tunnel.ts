import { setKeepsAlive } from '../native/wakeups.js'
import type { TimeoutOptions } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import type { RunningTunnel } from './running-tunnel.js'

/** @internal */
export let tunnelOf: (running: RunningTunnel) => Tunnel

/**
 * A running tunnel: a service that an endpoint exposes, or a bridge to one. Created by {@link Endpoint.exposeTcp},
 * {@link Endpoint.bridgeTcp}, {@link Endpoint.exposeUdp}, {@link Endpoint.bridgeUdp}, {@link Endpoint.exposeHttp},
 * {@link Endpoint.bridgeHttp}, {@link Endpoint.exposeProxy}, {@link Endpoint.proxy} and {@link Endpoint.socks5}. Garbage collection does
 * not close it.
 *
 * Keeps the process alive until it has closed, except after {@link unref}.
 *
 * @example
 * await using bridge = await endpoint.bridgeTcp({ peer, service: 'database' })
 * const client = new Client({ host: '127.0.0.1', port: bridge.port })
 */
export class Tunnel implements AsyncDisposable {
  readonly #running: RunningTunnel

  /**
   * Local address of a bridge: `'127.0.0.1:5432'`, `'[::1]:5432'`, or `'unix:'` and a path. `null` for an exposed service.
   */
  readonly address: string | null

  /** Local port of a bridge. `null` for a Unix socket, and for an exposed service. */
  readonly port: number | null

  /**
   * URL of a bridge for clients: `'tcp://127.0.0.1:5432'`, `'http://127.0.0.1:8080'`, `'socks5h://127.0.0.1:1080'`. `null` for a Unix socket,
   * and for an exposed service.
   */
  readonly url: string | null

  /**
   * Resolves when the tunnel has stopped accepting and its connections have ended: after {@link close}, the signal,
   * {@link Endpoint.drain}, {@link Endpoint.close}, or the shutdown of the endpoint's {@link Graceful}. Never rejects.
   */
  readonly closed: Promise<void>

  private constructor(key: typeof internal, running: RunningTunnel) {
    checkConstructor(key, 'endpoint.exposeTcp() or endpoint.bridgeTcp()')
    this.#running = running
    this.address = running.address
    this.port = running.port
    this.url = running.url
    this.closed = running.closed
  }

  /** Number of current connections or UDP flows. */
  get connections(): number {
    return this.#running.connections
  }

  /**
   * Stops accepting immediately, and waits for current connections. They are reset after the timeout. Idempotent; a later call can only
   * shorten the remaining time.
   *
   * @param options `timeout`: time for current connections. Default: the endpoint's `closeTimeout`, 5 s. `signal`: cancels only the wait.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  async close(options: TimeoutOptions = {}): Promise<void> {
    await this.#running.close(options)
  }

  /** Makes the tunnel keep the process alive. This is the default. */
  ref(): this {
    setKeepsAlive(this.#running.owner, true)
    return this
  }

  /** Stops the tunnel from keeping the process alive. */
  unref(): this {
    setKeepsAlive(this.#running.owner, false)
    return this
  }

  /** Closes the tunnel, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    tunnelOf = running => new Tunnel(internal, running)
    inspectAs(this, self => `Tunnel(${self.address ?? 'exposed'})`)
  }
}
