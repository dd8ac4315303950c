import { stateOf } from '../connection/byte-stream.js'
import type { Connection, PeerStream } from '../connection/connection.js'
import { FastnNetError, type Protocol } from '../errors.js'
import type { Peer } from '../keys/peer.js'
import { alpnOf, nativeAlpn } from '../stream/endpoint-state.js'
import { cancelled } from '../stream/failure-codes.js'
import type { CancelOptions, OpenOptions } from '../types.js'
import { BoundedMap } from '../util/bounded-map.js'
import { http1 } from './http1.js'
import { jsonHead } from './json-head.js'
import type { Wire } from './wire.js'

/** The part of an endpoint for requests. */
export interface HttpClient {
  connect(peer: Peer, options: CancelOptions): Promise<Connection>
  getStream(peer: Peer, protocol: Protocol, options: OpenOptions): Promise<PeerStream>
}

/** A stream for a request, with its message format. */
export interface ClientStream {
  readonly stream: PeerStream
  readonly wire: Wire
}

const maxAttempts = 3
const maxPeers = 4_096

/** The ALPN of each peer's last connection. A stale entry costs one stream. */
class KnownAlpns {
  readonly #texts = new BoundedMap<string, string>(maxPeers)
  readonly #objects = new WeakMap<object, string>()

  get(peer: Peer): string | undefined {
    return typeof peer === 'string' ? this.#texts.get(peer) : this.#objects.get(peer)
  }

  set(peer: Peer, alpn: string): void {
    if (typeof peer === 'string') this.#texts.set(peer, alpn)
    else this.#objects.set(peer, alpn)
  }
}

const clients = new WeakMap<HttpClient, KnownAlpns>()

/**
 * Opens a stream for a request. An older peer only gets the protocol `Http`, because an unknown protocol ends its accept loop.
 */
export async function openHttp(
  client: HttpClient,
  peer: Peer,
  protocol: Protocol,
  hasName: boolean,
  signal: AbortSignal | undefined
): Promise<ClientStream> {
  const known = knownAlpns(client)
  for (let attempt = 1; ; attempt++) {
    const alpn = known.get(peer) ?? (await connectedAlpn(client, peer, signal))
    const isOlder = alpn !== nativeAlpn
    if (isOlder && hasName) {
      const context = { protocol, phase: 'fetch' }
      throw new FastnNetError(
        'ERR_PROTOCOL_UNSUPPORTED',
        'the peer is an older version without named services',
        context
      )
    }
    const stream = await client.getStream(peer, isOlder ? 'Http' : protocol, { ack: 'later', signal })
    const state = stateOf(stream)
    const found = alpnOf(state)
    if (found !== alpn || attempt === 1) known.set(peer, found)
    if ((found !== nativeAlpn) === isOlder) return { stream, wire: isOlder ? jsonHead : http1 }
    const message = 'the peer changes its version again and again'
    state.abort(cancelled, message)
    if (attempt === maxAttempts) throw new FastnNetError('ERR_CONNECTION_LOST', message, state.context('fetch'))
  }
}

/** Whether a peer is an older version. Connects to a peer on first use. */
export async function isOlderPeer(client: HttpClient, peer: Peer, signal?: AbortSignal): Promise<boolean> {
  const known = knownAlpns(client)
  let alpn = known.get(peer)
  if (alpn === undefined) {
    alpn = await connectedAlpn(client, peer, signal)
    known.set(peer, alpn)
  }
  return alpn !== nativeAlpn
}

function knownAlpns(client: HttpClient): KnownAlpns {
  const known = clients.get(client) ?? new KnownAlpns()
  clients.set(client, known)
  return known
}

async function connectedAlpn(client: HttpClient, peer: Peer, signal: AbortSignal | undefined): Promise<string> {
  const connection = await client.connect(peer, { signal })
  try {
    return connection.alpn
  } finally {
    await connection[Symbol.asyncDispose]()
  }
}
