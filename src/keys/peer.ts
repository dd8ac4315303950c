import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import type { BindingPeer } from '../native/binding-types.js'
import { object, texts } from '../util/validate.js'
import type { PublicKey } from './public-key.js'

/** Who a peer is and where it may be: what {@link Endpoint.address} gives. */
export interface PeerAddress {
  /** The peer's ID52. */
  id52: string
  /** `address:port` of its sockets. */
  addresses?: readonly string[] | undefined
  /** URLs of its relays. */
  relays?: readonly string[] | undefined
  /** Never there: an endpoint or a secret key is no address. Give its `publicKey`, or the endpoint's `address()`. */
  publicKey?: undefined
}

/** Where an endpoint can be reached: all of it is there. */
export interface EndpointAddress extends PeerAddress {
  addresses: readonly string[]
  relays: readonly string[]
}

/** A peer: a text (ID52, hex, z-base-32, or a ticket), its public key, or its id with where it is. */
export type Peer = string | PublicKey | PeerAddress

/** A peer that is no text, checked; `path` names it in errors. */
export function addressOf(peer: PublicKey | PeerAddress, path: string): BindingPeer {
  const expected = 'a text, a PublicKey or { id52, addresses, relays }'
  const { id52, addresses, relays } = object(peer as PeerAddress, path, expected)
  // A PublicKey has none.
  if ((peer as { publicKey?: unknown }).publicKey !== undefined)
    throw notAPeer(`${path} is an endpoint or a secret key: give its publicKey, or address()`)
  if (typeof id52 !== 'string') throw notAPeer(`${path}.id52 must be a string`)
  return {
    id52: idOf(id52),
    addresses: texts(addresses, `${path}.addresses`),
    relays: texts(relays, `${path}.relays`)
  }
}

/** The ID52s of one or several peers; `path` names them in errors. */
export function idsOf(peers: Peer | readonly Peer[], path: string): string[] {
  if (!Array.isArray(peers)) return [idOfPeer(peers as Peer, path)]
  return (peers as readonly Peer[]).map((peer, at) => idOfPeer(peer, `${path}[${at}]`))
}

function idOfPeer(peer: Peer, path: string): string {
  return (typeof peer === 'string' ? parsePeer(peer) : addressOf(peer, path)).id52
}

// The longest text of a key alone is hex; a ticket has a word in front and is longer.
const longestKey = 64

export function parsePeer(text: string): BindingPeer {
  if (text.length <= longestKey) return { id52: idOf(text), addresses: [], relays: [] }
  const peer = native().ticketParse(text)
  if (peer !== null) return peer
  throw notAPeer(native().takeError().message)
}

function idOf(text: string): string {
  const key = native().publicKeyParse(text)
  if (key !== null) return native().publicKeyId52(key)
  throw notAPeer(native().takeError().message)
}

function notAPeer(message: string): FastnNetError {
  return new FastnNetError('ERR_PEER_ADDRESS', message, { phase: 'peer' })
}
