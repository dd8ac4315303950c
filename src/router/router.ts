import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError } from '../errors.js'
import { httpProtocol } from '../http/options.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { abortable } from '../util/timeout.js'
import { checkOptions, throwIfAborted } from '../util/validate.js'
import { type Caller, callerOf, localCaller } from './caller.js'
import { type Asked, askedOf, hostOf, isCrossOrigin, routed } from './head.js'
import { type ResolvedRouter, type RouterOptions, type RouterTable, resolveRouter, tableNames } from './options.js'
import { answerOwn } from './own-pages.js'
import { PeerNames } from './peer-names.js'
import { Refusal, refuse, refuseRaw, reset } from './refusal.js'
import type { Route } from './resolve-target.js'
import { type PeerOrigin, RouterServer } from './server.js'
import { resolveTable, type Table } from './table.js'
import { hasBody } from './targets/upstream.js'

/**
 * Starts a router: one local port for many hosts, and an HTTP service of the endpoint for peers. The host of a request says which target
 * answers it: a handler, a folder, an HTTP server or a peer.
 *
 * - Handlers and HTTP servers get the headers `fastn-access` (`local`, `self` or `remote`), `fastn-peer`, `fastn-alias` and
 *   `fastn-groups`. No client can set them. Names in them are percent-encoded.
 * - Requests to other hosts get status 421. So no web site can use the router under a name of its own (DNS rebinding).
 * - Local programs may use every target. Peers may use those with `allow`, else they get status 403.
 * - Pages of other origins cannot change anything: see {@link TargetOptions.crossOrigin}.
 * - For clients that do not resolve `*.localhost`, such as Safari and Java, the router is an HTTP proxy for the hosts that it routes, and
 *   serves its configuration at `/proxy.pac` of `localhost`.
 * - Bodies are streamed. WebSocket and other upgrades pass to HTTP servers and peers.
 *
 * Keeps the process alive until it is closed.
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

/** A running router. Started by {@link createRouter}. Garbage collection does not end it. */
export class Router implements AsyncDisposable {
  readonly #settings: ResolvedRouter
  readonly #server: RouterServer
  readonly #peers: PeerNames
  readonly #listeners = new Map<string, Listener>()
  readonly #onAbort = () => void this.close()
  #table: Table
  #port = 0
  /** The last change of the table. Changes run one after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined
  readonly #closed: Promise<void>
  #hasClosed!: () => void

  private constructor(key: typeof internal, settings: ResolvedRouter, table: Table) {
    checkConstructor(key, 'createRouter()')
    this.#settings = settings
    this.#table = table
    this.#peers = new PeerNames(settings.endpoint, settings.account)
    this.#closed = new Promise(resolve => {
      this.#hasClosed = resolve
    })
    const events = {
      answer: (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
        this.#answer(request, response, expectsContinue).catch(() => reset(request.socket))
      },
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head),
      connect: (request: IncomingMessage, socket: Duplex) => this.#connect(request, socket)
    }
    this.#server = new RouterServer(events, settings.maxConnections)
  }

  /** Starts. Called once, by {@link createRouter}. @internal */
  async [start](): Promise<void> {
    const { host, port, signal } = this.#settings
    try {
      await this.#serve(this.#table.services)
      const address = await this.#server.listen(host, port)
      this.#port = address.port
      throwIfAborted(signal)
    } catch (error) {
      await this.close({ timeout: 0 })
      throw error
    }
    if (signal !== undefined) onAbort(signal, this.#onAbort)
  }

  /** Local port. */
  get port(): number {
    return this.#port
  }

  /** URL of the router itself, which is also its address as an HTTP proxy: `'http://127.0.0.1:8000'`. */
  get url(): string {
    const { host } = this.#settings
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }

  /** URL of the proxy configuration for clients that do not resolve `*.localhost`: `'http://127.0.0.1:8000/proxy.pac'`. */
  get proxyConfigUrl(): string {
    return `${this.url}/proxy.pac`
  }

  /** Connections that are open now, of local clients and of peers. */
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
   * @param name A name of the table, an alias, an ID52, or one of those behind the name of a service: `'web.alice'`. Default: this
   * endpoint's own ID52.
   */
  urlOf(name: string = this.#settings.endpoint.id52): string {
    return `http://${name}.localhost:${this.#port}`
  }

  /**
   * Replaces the table as a whole. Checks it first: after an error, the old one is in force. Requests that run, and connections that were
   * upgraded, continue with the old target.
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
   * Stops accepting connections and requests at once, and resolves when those that run have ended. They are reset after the timeout.
   * Idempotent.
   *
   * @param options `timeout`: how long requests may go on, in milliseconds. Default: 5 s. `signal`: ends the wait only.
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
    const { signal } = this.#settings
    if (signal !== undefined) offAbort(signal, this.#onAbort)
    await this.#changes
    const listeners = [...this.#listeners.values()]
    await Promise.all([...listeners.map(listener => listener.close({ timeout })), this.#server.close(timeout)])
    for (const { target } of this.#table.routes) target.close()
    this.#peers.close()
    this.#hasClosed()
  }

  async #update(given: RouterTable): Promise<void> {
    if (this.#closing !== undefined) throw new FastnNetError('ERR_CLOSED', 'the router is closed')
    const table = await resolveTable(given, this.#settings)
    await this.#serve(table.services.filter(service => !this.#listeners.has(service)))
    const before = this.#table
    this.#table = table
    const kept = new Set(table.services)
    for (const [service, listener] of this.#listeners) {
      if (kept.has(service)) continue
      this.#listeners.delete(service)
      // Its requests continue.
      await listener.close({ timeout: 0 })
    }
    for (const { target } of before.routes) target.close()
  }

  /** Serves more services to peers: all or none. */
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

  async #answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    try {
      const asked = askedOf(request)
      const found = this.#find(request, asked, false)
      if (found === 'own') {
        const { endpoint } = this.#settings
        return answerOwn(request, response, asked, { table: this.#table, id52: endpoint.id52, port: this.#port })
      }
      const { route, caller } = found
      await route.target.answer({ ...routed(request, asked, caller), response, expectsContinue })
    } catch (error) {
      refuse(response, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    try {
      const asked = askedOf(request)
      const found = this.#find(request, asked, true)
      // HTTP/2 is for one connection; a body would be taken for the other protocol.
      const isPlain = found === 'own' || hasBody(request) || /^h2c?$/i.test(request.headers.upgrade ?? '')
      const upgrade = isPlain ? undefined : found.route.target.upgrade
      if (isPlain || upgrade === undefined) return false
      upgrade(routed(request, asked, found.caller), socket, head)
    } catch (error) {
      refuseRaw(socket, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
    }
    return true
  }

  #connect(request: IncomingMessage, socket: Duplex): boolean {
    try {
      if (this.#server.originOf(socket) !== undefined) throw new Refusal(405, 'this is no proxy for peers')
      const { url = '' } = request
      const port = Number(/:(\d+)$/.exec(url)?.[1])
      if (this.#table.host(hostOf(url), this.#peers) !== 'own' && (port === 80 || port === this.#port)) return true
      throw new Refusal(403, 'the router is a proxy for http: and the hosts that it routes only')
    } catch (error) {
      refuseRaw(socket, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
      return false
    }
  }

  /**
   * The target of a request, and who sent it.
   *
   * @throws {Refusal}
   */
  #find(request: IncomingMessage, asked: Asked, isUpgrade: boolean): { route: Route; caller: Caller } | 'own' {
    const origin = this.#server.originOf(request.socket)
    const found = origin === undefined ? this.#table.host(asked.host, this.#peers) : this.#table.service(origin.service)
    if (found === undefined) throw new Refusal(404, 'this endpoint has no service of this name any more')
    if (found === 'own') {
      // Another server of this machine, which the router does not stand for.
      const isOther = asked.isProxied && !asked.authority.endsWith(`:${this.#port}`)
      if (isOther) throw new Refusal(421, 'the router is a proxy for the hosts that it routes only')
      return found
    }
    const caller = origin === undefined ? localCaller : this.#admitted(origin, found)
    if (!found.allowsCrossOrigin && isCrossOrigin(request, asked.authority, isUpgrade))
      throw new Refusal(403, 'pages of other origins may not do this')
    return { route: found, caller }
  }

  /**
   * A peer that may use a target.
   *
   * @throws {Refusal}
   */
  #admitted({ peer, service }: PeerOrigin, { allow }: Route): Caller {
    const { account, self } = this.#settings
    const caller = callerOf(peer, service, account, self)
    const isOwn = caller.context.access === 'self'
    if (allow === 'public' || (allow !== undefined && isOwn)) return caller
    if (Array.isArray(allow) && allow.some(name => caller.names.has(name))) return caller
    throw new Refusal(403, 'you may not use this service')
  }

  static {
    routerOf = (settings, table) => new Router(internal, settings, table)
    inspectAs(this, self => `Router(${self.url})`)
  }
}
