import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingPeer } from '../native/binding-types.js'
import { failure, lastFailure, localFailure } from '../native/failure.js'
import { releaseAllWithOwner } from '../native/finalizers.js'
import type { WaitOwner } from '../native/wakeups.js'
import type { EndpointSettings } from '../settings.js'
import { BoundedMap } from '../util/bounded-map.js'
import { PendingCount } from '../util/pending-count.js'
import { TrackedPeer } from './opener.js'
import type { Protocol } from './protocol.js'

/** A peer that was given as an object: a `PublicKey` or an address. */
interface PeerObject {
  readonly id52: string
  readonly addresses?: readonly string[] | undefined
  readonly relays?: readonly string[] | undefined
}

/** A snapshot of a {@link PeerObject}, which its owner may change. */
interface Snapshot {
  readonly id52: string
  readonly addresses: readonly string[]
  readonly relays: readonly string[]
}

function isUnchanged(before: Snapshot, { id52, addresses, relays }: PeerObject): boolean {
  return id52 === before.id52 && areSame(addresses, before.addresses) && areSame(relays, before.relays)
}

function areSame(texts: readonly string[] | undefined, before: readonly string[]): boolean {
  if (texts === undefined) return before.length === 0
  if (texts.length !== before.length) return false
  for (let at = 0; at < before.length; at++) if (texts[at] !== before[at]) return false
  return true
}

/** What the streams of one connection share. */
export interface ConnectionState {
  readonly endpoint: EndpointState
  /** The core's number of the connection. */
  readonly id: number
  readonly id52: string
  /** ALPN of the connection, once it was asked for: see {@link alpnOf}. */
  alpn: string | undefined
}

/** ALPN of peers of this library. */
export const nativeAlpn = '/fastn-net/1'

interface StreamOnConnection {
  readonly handle: number
  readonly connection: ConnectionState
}

/** The ALPN of a stream's connection. */
export function alpnOf({ handle, connection }: StreamOnConnection): string {
  if (connection.alpn === undefined) {
    const info = native().streamConnectionInfo(handle)
    if (info === null) throw lastFailure({ peer: connection.id52, phase: 'connection' })
    connection.alpn = info.alpn
  }
  return connection.alpn
}

/** Streams that a listener took before a handler asked for them. */
export interface Prefetched {
  putBack(): void
}

/** Bound on cached peer strings. Each entry keeps its peer tracked; a dropped one is looked up again. */
const maxPeers = 4096
const maxConnectionStates = 16_384

/** What an endpoint shares with its connections and streams. */
export class EndpointState implements WaitOwner {
  readonly handle: number
  readonly id52: string
  readonly options: EndpointSettings
  readonly #peers = new BoundedMap<string, TrackedPeer>(maxPeers, peer => this.#forget(peer))
  // One peer can be known under several texts (its ID52, a ticket, hex), each with a handle of its own.
  readonly #peerHandles = new Set<number>()
  readonly #seen = new WeakMap<PeerObject, { snapshot: Snapshot; peer: string }>()
  readonly #connections = new BoundedMap<number, ConnectionState>(maxConnectionStates)
  readonly #closing = new AbortController()
  keepsAlive = true
  waiting = 0
  /** The endpoint accepts nothing new from peers. */
  isDraining = false
  /** Calls of `listen` whose handlers run. */
  activeListens = 0
  /** Calls of `finish` whose bytes wait for flow control. Closing waits for them. */
  readonly finishing: PendingCount = new PendingCount()
  /** Streams that its listeners have prefetched. */
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

  /** Throws `ERR_CLOSED` once the endpoint begins to close. */
  checkOpen(phase: string): void {
    if (this.#closing.signal.aborted) throw failure(localFailure('ERR_CLOSED', 'the endpoint is closed'), { phase })
  }

  beginClosing(): void {
    this.isDraining = true
    this.#closing.abort()
  }

  /** Releases the native handles of peers. For a closed endpoint, so that they do not wait for the garbage collector. */
  forgetPeers(): void {
    this.#peers.clear()
  }

  drain(): void {
    this.isDraining = true
    native().endpointDrain(this.handle)
  }

  /** The peer of this very object, if the object is unchanged. Parsing a key again would cost more than a request. */
  seen(object: PeerObject): TrackedPeer | undefined {
    const seen = this.#seen.get(object)
    if (seen === undefined || !isUnchanged(seen.snapshot, object)) return undefined
    return this.trackedAs(seen.peer)
  }

  /** Remembers the peer of an object. */
  remember(object: PeerObject, peer: TrackedPeer): TrackedPeer {
    const { id52, addresses = [], relays = [] } = object
    this.#seen.set(object, { snapshot: { id52, addresses: [...addresses], relays: [...relays] }, peer: peer.id52 })
    return peer
  }

  /** The peer that is tracked under this text. */
  trackedAs(text: string): TrackedPeer | undefined {
    return this.#peers.get(text)
  }

  /** Tracks a peer under `text`, with its addresses. */
  track(text: string, peer: BindingPeer): TrackedPeer {
    const handle = native().peerAdd(this.handle, peer)
    if (handle === FAILED) throw lastFailure({ peer: peer.id52, phase: 'peer' })
    this.#peerHandles.add(handle)
    const tracked = new TrackedPeer(handle, peer.id52)
    this.#peers.set(text, tracked)
    return tracked
  }

  #forget(peer: TrackedPeer): void {
    peer.forget(() => {
      this.#peerHandles.delete(peer.handle)
      native().handleRelease(peer.handle)
    })
  }

  /** The state of a connection with this peer. */
  connectionTo(id: number, id52: string): ConnectionState {
    return this.#connections.get(id) ?? this.#addConnection(id, id52, undefined)
  }

  /** The state of an incoming stream's connection. */
  connectionOf(id: number, stream: number): ConnectionState {
    const known = this.#connections.get(id)
    if (known !== undefined) return known
    const info = native().streamConnectionInfo(stream)
    if (info === null) throw lastFailure({ phase: 'accept' })
    return this.#addConnection(id, info.id52, info.alpn)
  }

  /** Returns prefetched streams that no handler has taken to their queues, where the core can refuse them. */
  putBackPrefetched(): void {
    for (const streams of this.prefetched) streams.putBack()
  }

  #addConnection(id: number, id52: string, alpn: string | undefined): ConnectionState {
    const connection = { endpoint: this, id, id52, alpn }
    this.#connections.set(id, connection)
    return connection
  }
}
