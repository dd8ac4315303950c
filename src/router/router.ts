import { closingOf } from '../endpoint/endpoint.js'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError } from '../errors.js'
import { httpProtocol } from '../http/options.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { abortable } from '../util/timeout.js'
import { checkOptions, throwIfAborted } from '../util/validate.js'
import { Dispatcher } from './dispatcher.js'
import { type ResolvedRouter, type RouterOptions, type RouterTable, resolveRouter, tableNames } from './options.js'
import { PeerNames } from './peer-names.js'
import { RouterServer } from './server.js'
import { resolveTable, type Table } from './table.js'

/**
 * Starts a router: one local port for many hosts, and an HTTP service of the endpoint for peers. It routes each request by
 * `Host` to a target: a handler, a folder, an HTTP server or a peer.
 *
 * - Handlers and HTTP servers get the headers `fastn-access` (`local`, `self` or `remote`), `fastn-peer`, `fastn-alias` and
 *   `fastn-groups`. Clients cannot set them. Names in them are percent-encoded.
 * - Requests to other hosts get status 421, which prevents DNS rebinding.
 * - Local programs may use every target. Peers may use targets with `allow`; otherwise they get status 403.
 * - Cross-origin requests that may change data get status 403: see {@link TargetOptions.crossOrigin}.
 * - For clients that do not resolve `*.localhost`, such as Safari and Java, the router is an HTTP proxy for its own hosts, and serves a
 *   configuration at `/proxy.pac` of `localhost`.
 * - Bodies are streamed. WebSocket and other upgrades pass to HTTP servers and peers.
 *
 * Keeps the process alive until it is closed: by {@link Router.close}, by `signal`, or with the endpoint.
 *
 * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used. `ERR_PROTOCOL_IN_USE` if the endpoint already serves HTTP under
 * the name of a target with `allow`. `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`. `ERR_CLOSED`.
 *
 * @example
 * await using router = await createRouter({
 *   endpoint,
 *   port: 8000,
 *   hosts: { blog: new Hono(), photos: { folder: 'photos', allow: 'public' }, wiki: { backend: 3000 } }
 * })
 * console.log(router.urlOf('blog')) // http://blog.localhost:8000
 */
export async function createRouter(options: RouterOptions): Promise<Router> {
  const [settings, table] = resolveRouter(options)
  throwIfAborted(settings.signal)
  const router = routerOf(settings, await resolveTable(table, settings))
  await router[start]()
  return router
}

const start = Symbol('start')

let routerOf: (settings: ResolvedRouter, table: Table) => Router

/** A running router. Started by {@link createRouter}. Garbage collection does not close it. */
export class Router implements AsyncDisposable {
  readonly #settings: ResolvedRouter
  readonly #server: RouterServer
  readonly #dispatcher: Dispatcher
  readonly #peers: PeerNames
  readonly #listeners = new Map<string, Listener>()
  readonly #onAbort = () => void this.close()
  /** The last change of the table. Changes run one after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined
  readonly #closed: Promise<void>
  #hasClosed!: () => void

  private constructor(key: typeof internal, settings: ResolvedRouter, table: Table) {
    checkConstructor(key, 'createRouter()')
    this.#settings = settings
    this.#peers = new PeerNames(settings.endpoint, settings.account)
    this.#closed = new Promise(resolve => {
      this.#hasClosed = resolve
    })
    this.#dispatcher = new Dispatcher(settings, table, this.#peers, socket => this.#server.originOf(socket))
    this.#server = new RouterServer(this.#dispatcher, settings.maxConnections)
  }

  /** Starts. Called once, by {@link createRouter}. @internal */
  async [start](): Promise<void> {
    const { host, port, signal } = this.#settings
    try {
      const { endpoint } = this.#settings
      if (closingOf(endpoint).aborted) throw new FastnNetError('ERR_CLOSED', 'the endpoint is closed')
      await this.#serve(this.#dispatcher.table.services)
      const address = await this.#server.listen(host, port)
      this.#dispatcher.port = address.port
      throwIfAborted(signal)
    } catch (error) {
      await this.close({ timeout: 0 })
      throw error
    }
    for (const each of this.#ends) onAbort(each, this.#onAbort)
  }

  /** Local port. */
  get port(): number {
    return this.#dispatcher.port
  }

  /** URL of the router itself and of its HTTP proxy: `'http://127.0.0.1:8000'`. */
  get url(): string {
    const { host } = this.#settings
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#dispatcher.port}`
  }

  /** URL of the proxy configuration for clients that do not resolve `*.localhost`: `'http://127.0.0.1:8000/proxy.pac'`. */
  get proxyConfigUrl(): string {
    return `${this.url}/proxy.pac`
  }

  /** Number of open connections of local clients and peers. */
  get connections(): number {
    return this.#server.connections
  }

  /** Resolves when the router has closed and its connections have ended. Never rejects. */
  get closed(): Promise<void> {
    return this.#closed
  }

  /**
   * URL of a host for local programs: `router.urlOf('blog')` is `'http://blog.localhost:8000'`.
   *
   * @param name A name of the table, an alias, an ID52, or a service of one: `'web.alice'`. Default: this endpoint's own ID52.
   */
  urlOf(name: string = this.#settings.endpoint.id52): string {
    return `http://${name}.localhost:${this.#dispatcher.port}`
  }

  /**
   * Replaces the table as a whole. Checks it first: after an error, the old one stays in force. Requests in progress and upgraded connections
   * continue with the old target.
   *
   * @throws {FastnNetError} As {@link createRouter}.
   *
   * @example
   * await router.update({ hosts: { blog: { backend: 3001 } } })
   */
  async update(table: RouterTable): Promise<void> {
    checkOptions(table, tableNames, 'table', '{ hosts, home, peers }')
    const change = this.#changes.then(() => this.#update(table))
    this.#changes = change.catch(() => {})
    await change
  }

  /**
   * Stops accepting connections and requests immediately, and waits for requests in progress. They are reset after the timeout. Idempotent.
   *
   * @param options `timeout`: time for requests in progress, in milliseconds. Default: 5 s. `signal`: cancels only the wait.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  async close(options: TimeoutOptions = {}): Promise<void> {
    const timeout = timeoutOf(options, 5_000)
    throwIfAborted(options.signal)
    this.#closing ??= this.#close(timeout)
    await abortable(this.#closing, options.signal)
  }

  /** Closes the router, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeout: number): Promise<void> {
    for (const each of this.#ends) offAbort(each, this.#onAbort)
    await this.#changes
    const listeners = [...this.#listeners.values()]
    await Promise.all([...listeners.map(listener => listener.close({ timeout })), this.#server.close(timeout)])
    for (const { target } of this.#dispatcher.table.routes) target.close()
    this.#peers.close()
    this.#hasClosed()
  }

  /** Signals that close the router. */
  get #ends(): AbortSignal[] {
    const { endpoint, signal } = this.#settings
    return signal === undefined ? [closingOf(endpoint)] : [closingOf(endpoint), signal]
  }

  async #update(given: RouterTable): Promise<void> {
    if (this.#closing !== undefined) throw new FastnNetError('ERR_CLOSED', 'the router is closed')
    const table = await resolveTable(given, this.#settings)
    await this.#serve(table.services.filter(service => !this.#listeners.has(service)))
    const before = this.#dispatcher.table
    this.#dispatcher.table = table
    const kept = new Set(table.services)
    for (const [service, listener] of this.#listeners) {
      if (kept.has(service)) continue
      this.#listeners.delete(service)
      // Requests in progress continue.
      await listener.close({ timeout: 0 })
    }
    for (const { target } of before.routes) target.close()
  }

  /** Serves additional services to peers, all or none. */
  async #serve(services: readonly string[]): Promise<void> {
    const { endpoint } = this.#settings
    const added = services.map(service => {
      const handle = (stream: Parameters<RouterServer['serve']>[0]) => this.#server.serve(stream, service)
      return [service, endpoint.listen([[httpProtocol(service), handle]])] as const
    })
    try {
      await Promise.all(added.map(([, listener]) => listener.ready))
    } catch (error) {
      await Promise.all(added.map(([, listener]) => listener.close({ timeout: 0 }).catch(() => {})))
      throw error
    }
    for (const [service, listener] of added) this.#listeners.set(service, listener)
  }

  static {
    routerOf = (settings, table) => new Router(internal, settings, table)
    inspectAs(this, self => `Router(${self.url})`)
  }
}
