import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import type { BindingPeer } from '../native/binding-types.js'
import { isThenable } from '../util/thenable.js'
import { checkObject, checkSpelling, invalid, kindOf, stringArray } from '../util/validate.js'
import type { PublicKey } from './public-key.js'

/**
 * ID52 of a peer and where it may be reached. The object may have fields of its own, which are ignored. A misspelt name, such as `relay`, is
 * `ERR_INVALID_ARGUMENT`.
 */
export interface PeerAddress {
  /** ID52 of the peer. */
  id52: string
  /** Socket addresses, `address:port`. Default: none. */
  addresses?: readonly string[] | undefined
  /** Relay URLs. Default: none. */
  relays?: readonly string[] | undefined
  /** Excludes endpoints and secret keys. Pass their `publicKey`, or the endpoint's `address()`. */
  publicKey?: undefined
}

/** Result of {@link Endpoint.address}: a {@link PeerAddress} with all fields. */
export interface EndpointAddress extends PeerAddress {
  addresses: readonly string[]
  relays: readonly string[]
}

/** A peer: a string (ID52, hex, z-base-32 or a ticket), a public key, or an address. */
export type Peer = string | PublicKey | PeerAddress

/** Several peers: an array, a `Set`, or any other iterable. Not one string, although that is iterable too. */
export type Peers = Iterable<Peer> & object

const addressNames: readonly (keyof PeerAddress)[] = ['id52', 'addresses', 'relays', 'publicKey']

/** Checks a peer that is not a string. `path` names the argument in errors. */
export function addressOf(peer: PublicKey | PeerAddress, path: string): BindingPeer {
  // As from a command-line argument that was not given.
  const given: unknown = peer
  if (given === undefined || given === null) throw isAbsent(given, path)
  if (isThenable(given)) throw notAPeer(`${path} is a promise: await it`)
  const expected = 'a string, a PublicKey or { id52, addresses, relays }'
  const { id52, addresses, relays } = checkObject(peer as PeerAddress, path, expected)
  // Endpoints and secret keys have a `publicKey`; public keys and addresses do not.
  if ((peer as { publicKey?: unknown }).publicKey !== undefined)
    throw notAPeer(`${path} is an endpoint or a secret key; give its publicKey or address()`)
  checkSpelling(peer, addressNames, path)
  if (typeof id52 !== 'string') throw notAPeer(`${path}.id52 must be a string`)
  return {
    id52: idOf(id52),
    addresses: stringArray(addresses, `${path}.addresses`),
    relays: stringArray(relays, `${path}.relays`)
  }
}

/** Returns the ID52s of one or several peers. `path` names the argument in errors. */
export function idsOf(peers: Peer | Peers, path: string): string[] {
  return areSeveral(peers) ? idsOfAll(peers, path) : [idOfOne(peers, path)]
}

/** Same for several peers. One peer is `ERR_INVALID_ARGUMENT`. */
export function idsOfAll(peers: Peers, path: string): string[] {
  if (!areSeveral(peers)) throw notSeveral(peers, path)
  return Array.from(peers, (peer, index) => idOfOne(peer, `${path}[${index}]`))
}

function notSeveral(given: unknown, path: string): FastnNetError {
  const advice = given === null || typeof given === 'boolean' ? '' : ': write [peer]'
  return invalid(path, `an array or another iterable of peers, not ${kindOf(given)}${advice}`)
}

function areSeveral(peers: unknown): peers is Peers {
  return typeof peers === 'object' && peers !== null && Symbol.iterator in peers
}

/** Returns the ID52 of one peer. `path` names the argument in errors. */
export function idOfOne(peer: Peer, path: string): string {
  return (typeof peer === 'string' ? parsePeer(peer) : addressOf(peer, path)).id52
}

// A key has at most 64 characters, as hex. A ticket with an address is longer.
const maxKeyLength = 64

// A cut ticket, or one without an address. A text of 52 characters is an ID52, which can start with the same word.
const shortTicket = /^endpoint(?!.{44}$)/i

function isAbsent(peer: null | undefined, path: string): FastnNetError {
  return new FastnNetError('ERR_INVALID_ARGUMENT', `${path} is ${peer}: give a ticket or an ID52`)
}

/** Parses an ID52, hex, z-base-32 or ticket. */
export function parsePeer(text: string): BindingPeer {
  if (text === '') throw notAPeer('the peer is an empty string: give the ticket that it printed, or its ID52')
  if (text.length <= maxKeyLength && !shortTicket.test(text))
    return { id52: idOf(text, orTicket), addresses: [], relays: [] }
  const peer = native().ticketParse(text)
  if (peer !== null) return peer
  throw notAPeer(native().takeError().message)
}

// A core's error about a key does not know that a ticket would do.
const orTicket = (message: string) => message.replace('give an ID52', 'give a ticket, an ID52')

function idOf(text: string, advise = (message: string) => message): string {
  const key = native().publicKeyParse(text)
  if (key !== null) return native().publicKeyId52(key)
  throw notAPeer(advise(native().takeError().message))
}

function notAPeer(message: string): FastnNetError {
  return new FastnNetError('ERR_PEER_ADDRESS', message, { phase: 'peer' })
}
