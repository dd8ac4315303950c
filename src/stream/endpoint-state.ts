import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingPeer } from '../native/binding-types.js'
import { lastFailure } from '../native/failure.js'
import { releaseAllWithOwner } from '../native/finalizers.js'
import { keepAlive, releaseKeepAlive } from '../native/wakeups.js'
import type { EndpointSettings } from '../settings.js'
import { BoundedMap } from '../util/bounded-map.js'
import { KnownPeer } from './opener.js'
import type { Protocol } from './protocol.js'

/** A peer that is no text. */
interface PeerObject {
  readonly id52: string
  readonly addresses?: readonly string[] | undefined
  readonly relays?: readonly string[] | undefined
}

/** What an object said when it was read, for it may be changed. */
interface Said {
  readonly id52: string
  readonly addresses: readonly string[]
  readonly relays: readonly string[]
}

function isSaid(said: Said, { id52, addresses, relays }: PeerObject): boolean {
  return id52 === said.id52 && areSame(addresses, said.addresses) && areSame(relays, said.relays)
}

function areSame(texts: readonly string[] | undefined, before: readonly string[]): boolean {
  if (texts === undefined) return before.length === 0
  if (texts.length !== before.length) return false
  for (let at = 0; at < before.length; at++) if (texts[at] !== before[at]) return false
  return true
}

/** One connection's share of what each of its streams needs to know. */
export interface Link {
  readonly endpoint: EndpointState
  /** The core's number of the connection. */
  readonly connection: number
  readonly id52: string
}

/** Streams that a listener took ahead of those who ask for them. */
export interface Prefetched {
  putBack(): void
}

/** Texts of peers. A program that talks to more of them pays for finding the peer again; each keeps its peer known. */
const maxPeers = 4096
const maxLinks = 16_384

/** What an endpoint, its connections and its streams share. */
export class EndpointState {
  readonly handle: number
  readonly id52: string
  readonly options: EndpointSettings
  readonly #peers = new BoundedMap<string, KnownPeer>(maxPeers, peer => this.#forget(peer.handle))
  // One peer can be known under several texts (its ID52, a ticket, hex), each with a handle of its own.
  readonly #peerHandles = new Set<number>()
  readonly #seen = new WeakMap<PeerObject, { said: Said; peer: string }>()
  readonly #links = new BoundedMap<number, Link>(maxLinks)
  readonly #closing = new AbortController()
  #waiting = 0
  #referenced = true
  /** Nothing new is taken from peers any more. */
  isDraining = false
  /** What its listeners have taken ahead. */
  readonly prefetched: Set<Prefetched> = new Set()
  /** What the streams are for that peers opened, by their handle; only where a shutdown may want to say it. */
  served: Map<number, Protocol> | undefined

  constructor(handle: number, id52: string, options: EndpointSettings) {
    this.handle = handle
    this.id52 = id52
    this.options = options
    // Each holds the endpoint's native half.
    releaseAllWithOwner(this, this.#peerHandles)
  }

  /** Aborted when the endpoint begins to close. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  beginClosing(): void {
    this.isDraining = true
    this.#closing.abort()
  }

  /** It is closed: what is native of its peers is given back now, and not when it is collected. */
  forgetPeers(): void {
    this.#peers.clear()
  }

  drain(): void {
    this.isDraining = true
    native().endpointDrain(this.handle)
  }

  /** The peer that this very object stood for, if it says the same as then. Reading a key again would cost more than a request. */
  seen(object: PeerObject): KnownPeer | undefined {
    const seen = this.#seen.get(object)
    if (seen === undefined || !isSaid(seen.said, object)) return undefined
    return this.known(seen.peer)
  }

  /** Notes what an object stands for. */
  remember(object: PeerObject, peer: KnownPeer): KnownPeer {
    const { id52, addresses = [], relays = [] } = object
    this.#seen.set(object, { said: { id52, addresses: [...addresses], relays: [...relays] }, peer: peer.id52 })
    return peer
  }

  /** The peer under this text, if it is known. */
  known(text: string): KnownPeer | undefined {
    return this.#peers.get(text)
  }

  /** Makes a peer known under `text`, with its addresses. */
  learn(text: string, peer: BindingPeer): KnownPeer {
    const handle = native().peerAdd(this.handle, peer)
    if (handle === FAILED) throw lastFailure({ peer: peer.id52, phase: 'peer' })
    this.#peerHandles.add(handle)
    const known = new KnownPeer(handle, peer.id52)
    this.#peers.set(text, known)
    return known
  }

  #forget(handle: number): void {
    this.#peerHandles.delete(handle)
    native().handleRelease(handle)
  }

  /** The link of a connection whose peer is known. */
  linkTo(connection: number, id52: string): Link {
    return this.#links.get(connection) ?? this.#addLink(connection, id52)
  }

  /** The link of the connection on which a stream came in. */
  linkOf(connection: number, stream: number): Link {
    const known = this.#links.get(connection)
    if (known !== undefined) return known
    const info = native().streamConnectionInfo(stream)
    if (info === null) throw lastFailure({ phase: 'accept' })
    return this.#addLink(connection, info.id52)
  }

  /** Puts streams that nobody has asked for yet back into their queues, where the core can refuse them. */
  putBackPrefetched(): void {
    for (const streams of this.prefetched) streams.putBack()
  }

  #addLink(connection: number, id52: string): Link {
    const link = { endpoint: this, connection, id52 }
    this.#links.set(connection, link)
    return link
  }

  /** Somebody waits for what peers begin: that keeps the process alive while the endpoint is referenced. */
  beginWaiting(): void {
    if (this.#waiting++ === 0 && this.#referenced) keepAlive()
  }

  endWaiting(): void {
    if (--this.#waiting === 0 && this.#referenced) releaseKeepAlive()
  }

  ref(): void {
    if (!this.#referenced && this.#waiting > 0) keepAlive()
    this.#referenced = true
  }

  unref(): void {
    if (this.#referenced && this.#waiting > 0) releaseKeepAlive()
    this.#referenced = false
  }
}
