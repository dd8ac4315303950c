import { Agent, type AgentOptions, createServer, IncomingMessage, type RequestListener, Server } from 'node:http'
import type { PeerStream } from '../connection/connection.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { type Listener, listenedBy } from '../endpoint/listener.js'
import { isClaim } from '../http/claims.js'
import { httpProtocol } from '../http/options.js'
import { announced, mayTrail } from '../http/trailers.js'
import { idOfOne, type Peer } from '../keys/peer.js'
import { checkOptions, invalid, kindOf, type OptionNames } from '../util/validate.js'
import { duplex, PeerDuplex } from './duplex.js'
import { beginRequest, KeptSockets } from './kept-sockets.js'
import { hideTrailers } from './trailers.js'

/** Options of {@link httpAgent}. */
export interface HttpAgentOptions
  extends Pick<AgentOptions, 'keepAlive' | 'maxSockets' | 'maxTotalSockets' | 'maxFreeSockets' | 'timeout'> {
  /** Name of the peer's service. Default: `''`. */
  service?: string | undefined
}

/** Options of {@link serveNodeHttp}. */
export interface ServeNodeHttpOptions {
  /** Name of the service. Default: `''`. */
  service?: string | undefined
  /** Stops serving, without an error. Running handlers continue. */
  signal?: AbortSignal | undefined
}

const agentNames: OptionNames<HttpAgentOptions> = {
  service: true,
  keepAlive: true,
  maxSockets: true,
  maxTotalSockets: true,
  maxFreeSockets: true,
  timeout: true
}
const connectorNames: OptionNames<PeerConnectorOptions> = { service: true }
const serveNames: OptionNames<ServeNodeHttpOptions> = { service: true, signal: true }

/**
 * Creates an `http.Agent` whose connections are streams to a peer, for `node:http` and the libraries on top of it. The host in a URL is
 * only sent as `Host`. Keeps streams for further requests (`keepAlive`, default: true). An idle stream does not keep the process alive.
 *
 * The peer answers with `endpoint.serveHttp` or {@link serveNodeHttp}. A request fails with the errors of `endpoint.getStream`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer.
 *
 * @example
 * const agent = httpAgent(endpoint, peer)
 * http.get('http://peer/items', { agent }, response => response.pipe(process.stdout))
 */
export function httpAgent(endpoint: Endpoint, peer: Peer, options: HttpAgentOptions = {}): Agent {
  checkEndpoint(endpoint, 'httpAgent(endpoint, peer)')
  idOfOne(peer, 'peer')
  const { service, ...settings } = checkOptions(options, agentNames)
  const protocol = httpProtocol(service)
  const agent = new Agent({ keepAlive: true, ...settings })
  const createConnection = (_: unknown, created: (error: Error | null, socket?: PeerDuplex) => void) => {
    endpoint.getStream(peer, protocol, { ack: 'later' }).then(stream => created(null, duplex(stream)), created)
  }
  return Object.assign(agent, { createConnection })
}

/** Options of {@link peerConnector}. */
export interface PeerConnectorOptions {
  /** Name of the peer's service. Default: `''`. */
  service?: string | undefined
}

/** Connector: undici calls it for a connection. */
export type PeerConnector = (
  options: object,
  connected: (error: Error | null, socket: PeerDuplex | null) => void
) => void

/**
 * Creates a connector for an `Agent`, `Client` or `Pool` of undici, whose connections are then streams to a peer. The origin in a URL is
 * only sent as `Host`; for `https:` too, there is no TLS within the stream, which is encrypted anyway. A request fails with the errors of
 * `endpoint.getStream`, as undici wraps them.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer.
 *
 * @example
 * const dispatcher = new Agent({ connect: peerConnector(endpoint, peer) })
 * const response = await request('http://peer/items', { dispatcher })
 */
export function peerConnector(endpoint: Endpoint, peer: Peer, options: PeerConnectorOptions = {}): PeerConnector {
  checkEndpoint(endpoint, 'peerConnector(endpoint, peer)')
  idOfOne(peer, 'peer')
  const { service } = checkOptions(options, connectorNames)
  const protocol = httpProtocol(service)
  return (_, connected) => {
    endpoint.getStream(peer, protocol, { ack: 'later' }).then(
      stream => connected(null, duplex(stream)),
      (error: Error) => connected(error, null)
    )
  }
}

/**
 * Answers HTTP requests of peers with a handler for `node:http`, such as an Express app, or with an `http.Server`, which then also gets
 * `'upgrade'`: a WebSocket server works over peers. The server need not listen on a port.
 *
 * The header `fastn-peer` is the ID52 of the caller. No caller can set it, nor a trailer of that name; a server that listens on a port as well
 * sees it from peers only. Trailers that frame, route or authenticate a message are dropped.
 *
 * Returns at once, as `endpoint.listen` does; serves until the result is closed, and keeps the process alive until then. A stream that is
 * idle between requests ends after the server's `keepAliveTimeout`, or when the result is closed. A request in progress is then the last
 * one of its stream.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject `ready` of the result.
 *
 * @example
 * serveNodeHttp(endpoint, (request, response) => response.end(`hello ${request.headers['fastn-peer']}`))
 */
export function serveNodeHttp(
  endpoint: Endpoint,
  handler: RequestListener | Server,
  options: ServeNodeHttpOptions = {}
): Listener {
  checkEndpoint(endpoint, 'serveNodeHttp(endpoint, handler)')
  const { service, signal } = checkOptions(options, serveNames)
  if (typeof handler !== 'function' && !(handler instanceof Server))
    throw invalid('handler', 'a function of a request and a response, or an http.Server')
  const server = handler instanceof Server ? handler : createServer(handler)
  // A peer may finish its half after its request, and still wants the answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  setPeers(server)
  const kept = new KeptSockets()
  const serve = (stream: PeerStream) => {
    const socket = duplex(stream)
    // Its caller sent a request with it.
    kept.add(socket, true)
    server.emit('connection', socket)
  }
  const listener = endpoint.listen([[httpProtocol(service), serve]], { signal })
  return listenedBy(listener, { method: 'serveNodeHttp', onStopped: () => kept.stop() })
}

function checkEndpoint(endpoint: unknown, call: string): void {
  if (typeof (endpoint as Partial<Endpoint> | null | undefined)?.getStream === 'function') return
  throw invalid('endpoint', `an Endpoint, not ${kindOf(endpoint)}: write ${call}`)
}

const peerHeader = 'fastn-peer'
const withPeers = new WeakSet<Server>()

/**
 * Sets the header of every request that a server passes to its listeners. Listeners of its own would take Node's answers to `Upgrade`
 * and `Expect` away, which it gives only without any.
 */
function setPeers(server: Server): void {
  if (withPeers.has(server)) return
  withPeers.add(server)
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean
  server.emit = (event: string | symbol, ...args: unknown[]) => {
    const [request, response] = args
    if (request instanceof IncomingMessage) {
      setPeer(request)
      beginRequest(request.socket, response)
    }
    return emit(event, ...args)
  }
}

function setPeer(request: IncomingMessage): void {
  // Node makes it of the raw headers at the first use, and counts on their number.
  const { headers, rawHeaders } = request
  const socket: unknown = request.socket
  const isPeer = socket instanceof PeerDuplex
  // On a port, what a reverse proxy says of the client stays.
  const isForged = (name: string, at: number) =>
    at % 2 === 0 && (isPeer ? isClaim(name.toLowerCase()) : name.toLowerCase() === peerHeader)
  if (rawHeaders.some(isForged)) {
    const { headersDistinct } = request
    for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
      const name = rawHeaders[at] as string
      if (!isForged(name, at)) continue
      delete headers[name.toLowerCase()]
      delete headersDistinct[name.toLowerCase()]
      rawHeaders.splice(at, 2)
    }
  }
  if (headers['transfer-encoding'] !== undefined)
    hideTrailers(request, name => (isPeer ? !mayTrail(name) : name.toLowerCase() === peerHeader))
  if (!isPeer) return
  if (headers.trailer !== undefined) setAnnounced(request)
  rawHeaders.push(peerHeader, socket.remoteAddress)
  headers[peerHeader] = socket.remoteAddress
}

/** Removes the names of dropped trailers from `Trailer`. */
function setAnnounced({ headers, headersDistinct, rawHeaders }: IncomingMessage): void {
  const kept: string[] = []
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if ((rawHeaders[at] as string).toLowerCase() !== 'trailer') continue
    const names = announced(rawHeaders[at + 1] as string)
    if (names === '') rawHeaders.splice(at, 2)
    else {
      rawHeaders[at + 1] = names
      kept.unshift(names)
    }
  }
  if (kept.length > 0) {
    headers.trailer = kept.join(', ')
    headersDistinct.trailer = kept
  } else {
    delete headers.trailer
    delete headersDistinct.trailer
  }
}
