import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { never, waitForWake, wake, wakeWord } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'

const droppedQueues = new FinalizationRegistry<{ handle: number; onDropped: (handle: number) => void }>(
  ({ handle, onDropped }) => {
    onDropped(handle)
    native().handleRelease(handle)
  }
)

export interface QueueOptions {
  /** The `phase` of errors. */
  readonly phase: string
  /** Closes the queue, or calls `onAbort`, without an error. May already be aborted. */
  readonly signal: AbortSignal | undefined
  /** Waiting keeps the process alive while this endpoint is referenced. `null`: waiting never does. */
  readonly endpoint: EndpointState | null
  /** Returns the handle. Not called if the signal is already aborted. */
  readonly open: () => number
  /** Default: closes the queue. */
  readonly onAbort?: () => void
  /** Called if the queue is garbage-collected before it is closed. The handle is released afterwards. Must not refer to the queue. */
  readonly onDropped?: (handle: number) => void
}

/** A native queue of incoming streams, incoming connections or peer changes. Ends when closed or aborted, or when no item can follow. */
export class IncomingQueue {
  /** `FAILED` once the queue is closed. */
  handle: number = FAILED
  readonly #phase: string
  readonly #signal: AbortSignal | undefined
  readonly #endpoint: EndpointState | null
  readonly #onAbort: () => void
  #waiting: Promise<void> | null = null

  constructor({ phase, signal, endpoint, open, onAbort = () => this.close(), onDropped = () => {} }: QueueOptions) {
    this.#phase = phase
    this.#signal = signal
    this.#endpoint = endpoint
    this.#onAbort = onAbort
    if (signal?.aborted === true) return
    throwIfAborted(signal)
    this.handle = open()
    if (this.handle === FAILED) throw lastFailure({ phase })
    droppedQueues.register(this, { handle: this.handle, onDropped }, this)
    signal?.addEventListener('abort', onAbort, { once: true })
  }

  /** Waits until a take may succeed. Concurrent callers share one promise. */
  wait(): Promise<void> {
    if (this.#waiting === null) {
      this.#waiting = waitForWake(wakeWord(this.handle, 0), undefined, this.#endpoint ?? never).then(this.#woken)
    }
    return this.#waiting
  }

  readonly #woken = () => {
    this.#waiting = null
  }

  /** Releases the handle and wakes pending waits. Idempotent. */
  close(): void {
    if (this.handle === FAILED) return
    const { handle } = this
    this.handle = FAILED
    this.#signal?.removeEventListener('abort', this.#onAbort)
    droppedQueues.unregister(this)
    native().handleRelease(handle)
    wake(wakeWord(handle, 0))
  }

  /** Closes the queue after a failed take. Returns `null` if the queue has ended, else throws. */
  failed(): null {
    const error = lastFailure({ phase: this.#phase })
    this.close()
    if (error.code !== 'ERR_CLOSED') throw error
    return null
  }
}
