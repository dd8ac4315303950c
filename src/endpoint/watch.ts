import type { EndpointState } from '../connection/endpoint-state.js'
import { Source } from '../connection/incoming-queue.js'
import { FAILED, native } from '../native/binding.js'
import { park, wakeWord } from '../native/wakeups.js'
import { peerInfo } from './binding-peer-info.js'
import type { PeerInfo } from './peer-info.js'

/**
 * How it stands with each peer, and then of each that changes, to be taken in a loop. Leaving the loop, its signal, or closing the
 * endpoint ends it.
 *
 * It holds no list of changes: whoever is slow gets each peer that has changed once, as it is by then.
 * Waiting does not keep the process alive.
 */
export class PeerChanges implements AsyncIterableIterator<PeerInfo>, AsyncDisposable {
  readonly #source: Source
  #waiting: Promise<void> | null = null

  private constructor(endpoint: EndpointState, signal: AbortSignal | undefined) {
    this.#source = new Source('watch', signal, () => native().endpointWatch(endpoint.handle))
  }

  /** @internal */
  static of(endpoint: EndpointState, signal?: AbortSignal): PeerChanges {
    return new PeerChanges(endpoint, signal)
  }

  /** The next peer that has changed since it was given last. Several calls may wait at once. */
  async next(): Promise<IteratorResult<PeerInfo, undefined>> {
    for (;;) {
      const { handle } = this.#source
      if (handle === FAILED) return { done: true, value: undefined }
      const taken = native().watchTake(handle)
      if (taken === null) this.#source.failed()
      else if (taken[0] !== undefined) return { done: false, value: peerInfo(taken[0]) }
      else await this.#wait(handle)
    }
  }

  /** Ends it; calls of {@link next} that wait see the end. */
  async return(): Promise<IteratorResult<PeerInfo, undefined>> {
    this.#source.close()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.close()
  }

  /** All who wait share one promise. It holds nothing: whoever only looks on is no reason for a program to stay. */
  #wait(handle: number): Promise<void> {
    this.#waiting ??= park(wakeWord(handle, 0), undefined, false).finally(() => {
      this.#waiting = null
    })
    return this.#waiting
  }
}
