import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import { setKeepsAlive, type WaitOwner } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { abortable } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'

/** @internal */
export let tunnelOf: (
  endpoint: EndpointState,
  handle: number,
  scheme: string,
  signal: AbortSignal | undefined
) => Tunnel

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
  readonly #endpoint: EndpointState
  readonly #handle: number
  readonly #owner: WaitOwner = { keepsAlive: true, waiting: 0 }
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.#close(this.#endpoint.options.closeTimeout)
  #hasClosed = false

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

  private constructor(
    key: typeof internal,
    endpoint: EndpointState,
    handle: number,
    scheme: string,
    signal: AbortSignal | undefined
  ) {
    checkConstructor(key, 'endpoint.exposeTcp() or endpoint.bridgeTcp()')
    this.#endpoint = endpoint
    this.#handle = handle
    this.#signal = signal
    this.address = native().tunnelAddress(handle)
    this.port = portOf(this.address)
    this.url = this.port === null ? null : `${scheme}://${this.address}`
    this.closed = this.#run(native().tunnelClosed(handle))
    if (signal !== undefined) onAbort(signal, this.#onAbort)
  }

  async #run(closed: number): Promise<void> {
    try {
      await outcomeOf(closed, { phase: 'tunnel' }, undefined, this.#owner)
    } finally {
      this.#hasClosed = true
      if (this.#signal !== undefined) offAbort(this.#signal, this.#onAbort)
      native().handleRelease(this.#handle)
    }
  }

  /** Number of current connections or UDP flows. */
  get connections(): number {
    return native().tunnelConnections(this.#handle)
  }

  /**
   * Stops accepting immediately, and waits for current connections. They are reset after the timeout. Idempotent; a later call can only
   * shorten the remaining time.
   *
   * @param options `timeout`: time for current connections. Default: the endpoint's `closeTimeout`, 5 s. `signal`: cancels only the wait.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  async close(options: TimeoutOptions = {}): Promise<void> {
    const timeout = timeoutOf(options, this.#endpoint.options.closeTimeout)
    throwIfAborted(options.signal)
    this.#close(timeout)
    await abortable(this.closed, options.signal)
  }

  #close(timeout: number): void {
    if (this.#hasClosed) return
    // Settles with `closed`.
    outcomeOf(native().tunnelClose(this.#handle, timeout), { phase: 'tunnel' }, undefined, this.#owner).catch(() => {})
  }

  /** Makes the tunnel keep the process alive. This is the default. */
  ref(): this {
    setKeepsAlive(this.#owner, true)
    return this
  }

  /** Stops the tunnel from keeping the process alive. */
  unref(): this {
    setKeepsAlive(this.#owner, false)
    return this
  }

  /** Closes the tunnel, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    tunnelOf = (endpoint, handle, scheme, signal) => new Tunnel(internal, endpoint, handle, scheme, signal)
    inspectAs(this, self => `Tunnel(${self.address ?? 'exposed'})`)
  }
}

function portOf(address: string | null): number | null {
  if (address === null || address.startsWith('unix:')) return null
  return Number(address.slice(address.lastIndexOf(':') + 1))
}
