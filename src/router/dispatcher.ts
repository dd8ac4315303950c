import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Caller, callerOf, localCaller } from './caller.js'
import { type Asked, askedOf, hostOf, isCrossOrigin, routed } from './head.js'
import type { ResolvedRouter } from './options.js'
import { answerOwn } from './own-pages.js'
import type { PeerNames } from './peer-names.js'
import { Refusal, refuse, refuseRaw } from './refusal.js'
import type { Route } from './resolve-target.js'
import type { PeerOrigin, ServerEvents } from './server.js'
import type { Table } from './table.js'
import { hasBody } from './targets/upstream.js'

/** Forwards each request to its target, using the current table. */
export class Dispatcher implements ServerEvents {
  readonly #settings: ResolvedRouter
  readonly #peers: PeerNames
  /** The peer of a connection that is a stream. */
  readonly #originOf: (socket: Duplex) => PeerOrigin | undefined
  table: Table
  /** Port of the router. */
  port = 0

  constructor(
    settings: ResolvedRouter,
    table: Table,
    peers: PeerNames,
    originOf: (socket: Duplex) => PeerOrigin | undefined
  ) {
    this.#settings = settings
    this.table = table
    this.#peers = peers
    this.#originOf = originOf
  }

  async answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    try {
      const asked = askedOf(request)
      const found = this.#find(request, asked, false)
      if (found === 'own') {
        const { id52 } = this.#settings.endpoint
        return answerOwn(request, response, asked, { table: this.table, id52, port: this.port })
      }
      const { route, caller } = found
      await route.target.answer({ ...routed(request, asked, caller), response, expectsContinue })
    } catch (error) {
      refuse(response, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    try {
      const asked = askedOf(request)
      const found = this.#find(request, asked, true)
      // HTTP/2 applies to one connection, and a body would be read as the new protocol.
      const isPlain = found === 'own' || hasBody(request) || /^h2c?$/i.test(request.headers.upgrade ?? '')
      const upgrade = isPlain ? undefined : found.route.target.upgrade
      if (isPlain || upgrade === undefined) return false
      upgrade(routed(request, asked, found.caller), socket, head)
    } catch (error) {
      refuseRaw(socket, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
    }
    return true
  }

  connect(request: IncomingMessage, socket: Duplex): boolean {
    try {
      if (this.#originOf(socket) !== undefined) throw new Refusal(405, 'this is no proxy for peers')
      const { url = '' } = request
      const port = Number(/:(\d+)$/.exec(url)?.[1])
      if (this.table.host(hostOf(url), this.#peers) !== 'own' && (port === 80 || port === this.port)) return true
      throw new Refusal(403, 'the router proxies only http: requests to its own hosts')
    } catch (error) {
      refuseRaw(socket, error instanceof Refusal ? error : new Refusal(500, 'the router failed'))
      return false
    }
  }

  /**
   * The target and the sender of a request.
   *
   * @throws {Refusal}
   */
  #find(request: IncomingMessage, asked: Asked, isUpgrade: boolean): { route: Route; caller: Caller } | 'own' {
    const origin = this.#originOf(request.socket)
    const found = origin === undefined ? this.table.host(asked.host, this.#peers) : this.table.service(origin.service)
    if (found === undefined) throw new Refusal(404, 'this endpoint no longer has a service of this name')
    if (found === 'own') {
      // Another server on this machine, which the router must not proxy.
      const isOther = asked.isProxied && !asked.authority.endsWith(`:${this.port}`)
      if (isOther) throw new Refusal(421, 'the router proxies only its own hosts')
      return found
    }
    const caller = origin === undefined ? localCaller : this.#admitted(origin, found)
    if (!found.allowsCrossOrigin && isCrossOrigin(request, asked.authority, isUpgrade))
      throw new Refusal(403, 'cross-origin requests are not allowed here')
    return { route: found, caller }
  }

  /**
   * Checks that a peer may use a target.
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
}
