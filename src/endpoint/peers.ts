import { IncomingQueue } from '../connection/incoming-queue.js'
import { QueueIterator, type QueueSteps, stepsOf, type TakeQueue } from '../connection/queue-iterator.js'
import type { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingPeerInfo } from '../native/binding-types.js'
import { failure, lastFailure } from '../native/failure.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { KnownPeer } from '../stream/opener.js'
import type { ConnectionPath, ConnectionStats } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'

/** @internal */
export let peerChangesOf: (endpoint: EndpointState, signal?: AbortSignal) => PeerChanges
/** @internal Keeps a peer connected. */
export let keep: (peer: KnownPeer, signal: AbortSignal | undefined) => KeptPeer

/** How it stands with a peer. A snapshot: nothing in it changes later. */
export interface PeerInfo {
  /** ID52 of the peer. */
  readonly id52: string
  /**
   * False only in {@link Endpoint.watch}, once: the endpoint has let the peer go, because nothing is or was wanted of it for
   * `idleTimeout`, or because the endpoint closes. A peer that comes back is told as any other.
   */
  readonly known: boolean
  /**
   * `'connected'`: there is a connection for new streams; `'dialling'`: one is being made; `'backing-off'`: the last dial failed,
   * and the next comes after `nextRetry`; `'idle'`: none, and nobody asks for one.
   */
  readonly state: 'idle' | 'dialling' | 'connected' | 'backing-off'
  /** Whether it is kept connected. */
  readonly kept: boolean
  /** Dials that failed since there was a connection, or since somebody asked for one. */
  readonly attempts: number
  /** Why the last dial failed, or the last connection was lost; `null` while there is a connection, or when nothing failed. */
  readonly lastError: FastnNetError | null
  /** Milliseconds from this snapshot to the next dial; `null` unless it is `'backing-off'`. */
  readonly nextRetry: number | null
  /** Its live connections, the one for new streams first: mostly one, for a short time two, none without a connection. */
  readonly connections: readonly PeerConnection[]
}

/** One of a peer's connections, as part of a {@link PeerInfo}. */
export interface PeerConnection {
  /** What was agreed on to speak. */
  readonly alpn: string
  /** Whether this side dialled it. */
  readonly dialled: boolean
  /** Whether new streams go over it. */
  readonly preferred: boolean
  /** The ways its packets can take: direct or through a relay, with round-trip time. */
  readonly paths: readonly ConnectionPath[]
  /** Bytes, datagrams and streams. */
  readonly stats: ConnectionStats
}

/** What the core tells of a peer, as users see it. */
export function peerInfo(info: BindingPeerInfo): PeerInfo {
  const { id52, lastError } = info
  return { ...info, lastError: lastError === null ? null : failure(lastError, { peer: id52, phase: 'connect' }) }
}

/**
 * Async iterator over peers: first each tracked peer, then each peer that changes. Ends when it is left, aborted, or the endpoint closes.
 *
 * Never builds a backlog: a slow consumer gets the latest snapshot of each changed peer. Waiting does not keep the process alive.
 */
export class PeerChanges extends QueueIterator<PeerInfo> {
  private constructor(key: typeof internal, steps: QueueSteps<PeerInfo>) {
    super(key, 'endpoint.watch()', steps)
  }

  static {
    peerChangesOf = (endpoint, signal) => {
      const open = () => native().endpointWatch(endpoint.handle)
      // Without an endpoint, waiting does not keep the process alive: an observer is no reason to run.
      const queue = new ChangeQueue({ phase: 'watch', signal, endpoint: null, open })
      return new PeerChanges(internal, stepsOf(queue, peerInfo))
    }
  }
}

class ChangeQueue extends IncomingQueue implements TakeQueue<BindingPeerInfo> {
  take(): BindingPeerInfo | null | undefined {
    if (this.handle === FAILED) return null
    const taken = native().watchTake(this.handle)
    return taken === null ? this.failed() : taken[0]
  }
}

/** A peer that is kept connected, until this is disposed or the endpoint closed; dropping it ends nothing. Made by {@link Endpoint.keep}. */
export class KeptPeer implements Disposable, AsyncDisposable {
  /** ID52 of the peer. */
  readonly id52: string
  #handle: number | null
  readonly #signal: AbortSignal | undefined
  readonly #end = () => this[Symbol.dispose]()

  private constructor(key: typeof internal, handle: number, id52: string, signal: AbortSignal | undefined) {
    checkConstructor(key, 'endpoint.keep()')
    this.#handle = handle
    this.id52 = id52
    this.#signal = signal
    signal?.addEventListener('abort', this.#end, { once: true })
  }

  /** Ends it; the connection stays as long as it is used. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#handle === null) return
    this.#signal?.removeEventListener('abort', this.#end)
    native().handleRelease(this.#handle)
    this.#handle = null
  }

  /** The same. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]()
  }

  static {
    keep = (peer, signal) => {
      const handle = native().peerKeep(peer.handle)
      if (handle === FAILED) throw lastFailure({ peer: peer.id52, phase: 'keep' })
      return new KeptPeer(internal, handle, peer.id52, signal)
    }
    inspectAs(this, self => `KeptPeer(${self.id52})`)
  }
}
