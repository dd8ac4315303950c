import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import { duplex } from '../node/duplex.js'
import { beginRequest, giveBack, KeptSockets } from '../node/kept-sockets.js'
import { defaults } from '../settings.js'
import { after } from '../util/timeout.js'
import { withoutUpgrade } from './plain-again.js'
import { reset } from './refusal.js'

/** Idle timeout of a connection. Longer than that of a peer's idle stream. */
const idle = 65_000

/** Events of a server. */
export interface ServerEvents {
  answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void>
  /** Returns whether it handles the upgrade; otherwise the request is handled normally. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Returns whether the tunnel leads to the router itself, which then serves HTTP on it. */
  connect(request: IncomingMessage, socket: Duplex): boolean
}

/** A peer's stream of requests. */
export interface PeerOrigin {
  readonly peer: string
  readonly service: string
}

/** The HTTP servers of a router: one for a local port, one for streams of peers. */
export class RouterServer {
  readonly #local: Server
  readonly #ofPeers: Server
  readonly #kept = new KeptSockets()
  readonly #peers = new WeakMap<Duplex, PeerOrigin>()
  #closed: Promise<void> | undefined

  constructor(events: ServerEvents, maxConnections: number) {
    this.#local = this.#create(events)
    this.#local.maxConnections = maxConnections
    this.#ofPeers = this.#create(events)
    // A FIN of a peer means that no request follows. A FIN of a local client means that it has disconnected.
    Object.assign(this.#ofPeers, { httpAllowHalfOpen: true })
  }

  /**
   * Listens on a local port, and returns it.
   *
   * @throws {FastnNetError} `ERR_LISTEN`.
   */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#local.once('error', cause => {
        const { code } = cause as NodeJS.ErrnoException
        const message = `cannot listen on ${host}:${port}: ${code}; choose another port or host`
        reject(new FastnNetError('ERR_LISTEN', message, { cause }))
      })
      this.#local.listen({ host, port }, resolve)
    })
    this.#local.removeAllListeners('error')
    this.#local.on('error', () => {})
    return this.#local.address() as AddressInfo
  }

  /** Answers the requests of a stream. */
  serve(stream: PeerStream, service: string): void {
    const socket = duplex(stream)
    this.#peers.set(socket, { peer: stream.remoteId52, service })
    this.#ofPeers.emit('connection', socket)
  }

  /** The peer of a connection; `undefined` for a local client. */
  originOf(socket: Duplex): PeerOrigin | undefined {
    return this.#peers.get(socket)
  }

  get connections(): number {
    return this.#kept.size
  }

  /** Stops accepting connections. Resolves once requests in progress have ended; after `timeout` they are reset. */
  close(timeout: number): Promise<void> {
    this.#closed ??= this.#close(timeout)
    return this.#closed
  }

  async #close(timeout: number): Promise<void> {
    if (this.#local.listening) this.#local.close()
    this.#kept.stop()
    const timer = after(timeout, () => this.#kept.reset(new Error('the router was closed')))
    await this.#kept.closed()
    clearTimeout(timer)
  }

  #create(events: ServerEvents): Server {
    const { maxHeaderBytes, headTimeout } = defaults.http
    const server = createServer({
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headTimeout,
      // No time limit for bodies.
      requestTimeout: 0,
      keepAliveTimeout: idle,
      noDelay: true
    })
    const answer = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
      beginRequest(request.socket, response)
      events.answer(request, response, expectsContinue).catch(() => reset(request.socket))
    }
    server.on('connection', socket => {
      if (this.#kept.add(socket, false)) socket.on('error', () => {})
    })
    server.on('request', answer(false))
    server.on('checkContinue', answer(true))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      beginRequest(socket, undefined)
      if (!events.upgrade(request, socket, head)) this.#again(socket, withoutUpgrade(request), head)
    })
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      beginRequest(socket, undefined)
      if (!events.connect(request, socket)) return
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      this.#again(socket, undefined, head)
    })
    return server
  }

  /** Serves HTTP on a connection, starting with the given bytes. */
  #again(socket: Duplex, request: Buffer | undefined, head: Buffer): void {
    giveBack(socket, request !== undefined)
    if (head.length > 0) socket.unshift(head)
    if (request !== undefined) socket.unshift(request)
    const server = this.#peers.has(socket) ? this.#ofPeers : this.#local
    server.emit('connection', socket)
  }
}
