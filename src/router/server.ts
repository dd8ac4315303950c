import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import { duplex } from '../node/duplex.js'
import { defaults } from '../settings.js'
import { after } from '../util/timeout.js'
import { withoutUpgrade } from './plain-again.js'

/** How long an idle connection is kept. Longer than a peer keeps an idle stream. */
const idle = 65_000

/** What a server passes on. */
export interface ServerEvents {
  answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void
  /** Whether the other protocol was taken on: else the request is one like any other. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Whether the connection is one to the router, which speaks HTTP on it again. */
  connect(request: IncomingMessage, socket: Duplex): boolean
}

/** A stream of requests of a peer. */
export interface PeerOrigin {
  readonly peer: string
  readonly service: string
}

/** The HTTP server of a router: a local port, and the streams of peers. */
export class RouterServer {
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()
  readonly #peers = new WeakMap<Duplex, PeerOrigin>()
  #isClosing = false
  #closed: Promise<void> | undefined
  #onEmpty: (() => void) | undefined

  constructor(events: ServerEvents, maxConnections: number) {
    const { maxHeaderBytes, headTimeout } = defaults.http
    const server = createServer({
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headTimeout,
      // Bodies may take as long as they take.
      requestTimeout: 0,
      keepAliveTimeout: idle,
      noDelay: true
    })
    this.#server = server
    server.maxConnections = maxConnections
    // A peer may finish its half after its request, and still wants the answer.
    Object.assign(server, { httpAllowHalfOpen: true })
    const answer = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
      if (this.#isClosing) response.shouldKeepAlive = false
      events.answer(request, response, expectsContinue)
    }
    server.on('connection', socket => this.#track(socket))
    server.on('request', answer(false))
    server.on('checkContinue', answer(true))
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {})
      if (!events.upgrade(request, socket, head)) this.#again(socket, withoutUpgrade(request), head)
    })
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {})
      if (!events.connect(request, socket)) return
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      this.#again(socket, undefined, head)
    })
  }

  /**
   * Listens on a local port, and returns it.
   *
   * @throws {FastnNetError} `ERR_LISTEN`.
   */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', cause => {
        const { code } = cause as NodeJS.ErrnoException
        const message = `cannot listen on ${host}:${port}: ${code}; choose another port or host`
        reject(new FastnNetError('ERR_LISTEN', message, { cause }))
      })
      this.#server.listen({ host, port }, resolve)
    })
    this.#server.removeAllListeners('error')
    this.#server.on('error', () => {})
    return this.#server.address() as AddressInfo
  }

  /** Answers the requests of a stream. */
  serve(stream: PeerStream, service: string): void {
    const socket = duplex(stream)
    this.#peers.set(socket, { peer: stream.remoteId52, service })
    this.#server.emit('connection', socket)
  }

  /** The peer whose stream a connection is; `undefined` for a local client. */
  originOf(socket: Duplex): PeerOrigin | undefined {
    return this.#peers.get(socket)
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Stops accepting connections. Resolves once those with a request have ended; after `timeout` they are reset. */
  close(timeout: number): Promise<void> {
    this.#closed ??= this.#close(timeout)
    return this.#closed
  }

  async #close(timeout: number): Promise<void> {
    this.#isClosing = true
    if (this.#server.listening) this.#server.close()
    this.#server.closeIdleConnections()
    if (this.#sockets.size === 0) return
    const empty = new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
    const timer = after(timeout, () => {
      for (const socket of this.#sockets) socket.destroy(new Error('the router was closed'))
    })
    await empty
    clearTimeout(timer)
  }

  #track(socket: Duplex): void {
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#onEmpty?.()
    })
  }

  /** Speaks HTTP on a connection again: first what is given, then what follows. */
  #again(socket: Duplex, request: Buffer | undefined, head: Buffer): void {
    if (head.length > 0) socket.unshift(head)
    if (request !== undefined) socket.unshift(request)
    this.#server.emit('connection', socket)
  }
}
