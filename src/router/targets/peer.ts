import { Agent, type ClientRequest, request as send } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '../../endpoint/endpoint.js'
import { isOlderPeer, openHttp } from '../../http/client-stream.js'
import { http1 } from '../../http/http1.js'
import { httpProtocol } from '../../http/options.js'
import type { Peer } from '../../keys/peer.js'
import { duplex, type PeerDuplex } from '../../node/duplex.js'
import type { RoutedExchange, RoutedRequest } from '../exchange.js'
import type { Refusal } from '../refusal.js'
import { forward } from './forward.js'
import { forwardUpgrade } from './forward-upgrade.js'
import { askOlderPeer } from './older-peer.js'
import { refusalOfPeer } from './peer-refusal.js'
import type { Target } from './target.js'
import type { Upstream, UpstreamRequest } from './upstream.js'

/** Idle timeout of a stream: below that of the peer. */
const idle = 20_000

/** Sends requests to an HTTP service of a peer over pooled streams. */
export class PeerService implements Target, Upstream {
  readonly text: string
  readonly host: undefined
  /** The peer has its own timeout. */
  readonly responseTimeout: number = Number.POSITIVE_INFINITY
  readonly #endpoint: Endpoint
  readonly #peer: Peer
  readonly #service: string
  readonly #agent: Agent

  /** `peer`: an object, whose identity keys cached state; or an ID52. */
  constructor(endpoint: Endpoint, peer: Peer, id52: string, service: string) {
    this.text = service === '' ? id52 : `${service} of ${id52}`
    this.#endpoint = endpoint
    this.#peer = peer
    this.#service = service
    this.#agent = agentOf(endpoint, peer, service)
  }

  async answer(exchange: RoutedExchange): Promise<void> {
    if (await this.#isOlder()) return await askOlderPeer(this.#endpoint, this.#peer, this.#service, exchange)
    forward(exchange, this)
  }

  readonly upgrade = (routed: RoutedRequest, socket: Duplex, head: Buffer): void => {
    forwardUpgrade(routed, socket, head, this)
  }

  send(request: UpstreamRequest): ClientRequest {
    return send({ agent: this.#agent, ...request })
  }

  refusalOf(error: unknown): Refusal {
    return refusalOfPeer(error)
  }

  close(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  async #isOlder(): Promise<boolean> {
    try {
      return await isOlderPeer(this.#endpoint, this.#peer)
    } catch {
      // The request itself reports why the connection failed.
      return false
    }
  }
}

function agentOf(endpoint: Endpoint, peer: Peer, service: string): Agent {
  const protocol = httpProtocol(service)
  const agent = new Agent({ keepAlive: true, timeout: idle })
  const createConnection = (_: unknown, created: (error: Error | null, socket?: PeerDuplex) => void) => {
    openHttp(endpoint, peer, protocol, service !== '', undefined).then(({ stream, wire }) => {
      const socket = duplex(stream)
      if (wire === http1) return created(null, socket)
      socket.destroy()
      created(new Error('the peer has changed to an older version: try again'))
    }, created)
  }
  return Object.assign(agent, { createConnection })
}
