import { QueueIterator, type QueueSteps } from '../connection/queue-iterator.js'
import type { PeerInfo } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import type { KeptPeer } from './kept-peer.js'

/** @internal */
export let peerChangesOf: (steps: QueueSteps<PeerInfo>) => PeerChanges
/** @internal */
export let keepConnectedOf: (kept: KeptPeer) => KeepConnected

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
    peerChangesOf = steps => new PeerChanges(internal, steps)
  }
}

/**
 * Keeps a peer connected until {@link close}, disposal, or the endpoint closes. Garbage collection does not end it. Created by
 * {@link Endpoint.keep}.
 */
export class KeepConnected implements Disposable, AsyncDisposable {
  /** ID52 of the peer. */
  readonly id52: string
  readonly #kept: KeptPeer

  private constructor(key: typeof internal, kept: KeptPeer) {
    checkConstructor(key, 'endpoint.keep()')
    this.id52 = kept.id52
    this.#kept = kept
  }

  /** Stops redialling. The connection stays open while it is used. Idempotent. */
  close(): void {
    this.#kept.close()
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
    keepConnectedOf = kept => new KeepConnected(internal, kept)
    inspectAs(this, self => `KeepConnected(${self.id52})`)
  }
}
