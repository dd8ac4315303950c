import { IncomingQueue } from '../connection/incoming-queue.js'
import { QueueIterator, type QueueSteps, stepsOf, type TakeQueue } from '../connection/queue-iterator.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingPeerInfo } from '../native/binding-types.js'
import { failure, lastFailure } from '../native/failure.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { TrackedPeer } from '../stream/opener.js'
import type { PeerInfo } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'

/** @internal */
export let peerChangesOf: (endpoint: EndpointState, signal?: AbortSignal) => PeerChanges
/** @internal Keeps a peer connected. */
export let keep: (peer: TrackedPeer, signal: AbortSignal | undefined) => KeepConnected

/** Converts a peer snapshot of the binding. */
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

/**
 * Keeps a peer connected until {@link close}, disposal, or the endpoint closes. Garbage collection does not end it. Created by
 * {@link Endpoint.keep}.
 */
export class KeepConnected implements Disposable, AsyncDisposable {
  /** ID52 of the peer. */
  readonly id52: string
  #handle: number | null
  readonly #signal: AbortSignal | undefined
  readonly #end = () => this.close()

  private constructor(key: typeof internal, handle: number, id52: string, signal: AbortSignal | undefined) {
    checkConstructor(key, 'endpoint.keep()')
    this.#handle = handle
    this.id52 = id52
    this.#signal = signal
    signal?.addEventListener('abort', this.#end, { once: true })
  }

  /** Stops redialling. The connection stays open while it is used. Idempotent. */
  close(): void {
    if (this.#handle === null) return
    this.#signal?.removeEventListener('abort', this.#end)
    native().handleRelease(this.#handle)
    this.#handle = null
  }

  /** Stops redialling, like {@link close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Stops redialling, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  static {
    keep = (peer, signal) => {
      const handle = native().peerKeep(peer.handle)
      if (handle === FAILED) throw lastFailure({ peer: peer.id52, phase: 'keep' })
      return new KeepConnected(internal, handle, peer.id52, signal)
    }
    inspectAs(this, self => `KeepConnected(${self.id52})`)
  }
}
