import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { waitForWake, wake, wakeWord } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'

const droppedQueues = new FinalizationRegistry<{ handle: number; onDropped: (handle: number) => void }>(
  ({ handle, onDropped }) => {
    onDropped(handle)
    native().handleRelease(handle)
  }
)

/** How an {@link IncomingQueue} behaves. */
export interface QueueOptions {
  /** What errors call the queue. */
  readonly phase: string
  /** Aborting it, now or later, is no failure: it closes the queue, or calls `onAbort`. */
  readonly signal: AbortSignal | undefined
  /** Waiting keeps the process alive while this endpoint is referenced. `null`: waiting never does. */
  readonly endpoint: EndpointState | null
  /** Returns the handle. Not called when the signal is aborted already. */
  readonly open: () => number
  readonly onAbort?: () => void
  /** Called when the queue is collected unclosed, before the handle is released. Must not refer to the queue. */
  readonly onDropped?: (handle: number) => void
}

/** A native queue of what peers begin or change. It ends when it is closed, its signal is aborted, or nothing more can come. */
export class IncomingQueue {
  /** `FAILED` once it is closed. */
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

  /** Waits until another take may succeed. All callers that wait at the same time share one promise. */
  wait(): Promise<void> {
    if (this.#waiting === null) {
      this.#endpoint?.beginWaiting()
      this.#waiting = waitForWake(wakeWord(this.handle, 0), undefined, false).then(this.#woken)
    }
    return this.#waiting
  }

  readonly #woken = () => {
    this.#waiting = null
    this.#endpoint?.endWaiting()
  }

  /** Releases the handle and wakes the calls that wait. Idempotent. */
  close(): void {
    if (this.handle === FAILED) return
    const { handle } = this
    this.handle = FAILED
    this.#signal?.removeEventListener('abort', this.#onAbort)
    droppedQueues.unregister(this)
    native().handleRelease(handle)
    wake(wakeWord(handle, 0))
  }

  /** Closes the queue after a failed take. Returns `null` for the end, throws anything else. */
  failed(): null {
    const error = lastFailure({ phase: this.#phase })
    this.close()
    if (error.code !== 'ERR_CLOSED') throw error
    return null
  }
}

/** What a loop takes from. */
export interface Takes<Taken> {
  /** The next one; `undefined` when none is there, `null` when no more can come. */
  take(): Taken | null | undefined
  /** Waits until another {@link take} may succeed. */
  wait(): Promise<void>
}

/** One step of a loop, as an async iterator gives it. */
export async function nextOf<Taken, Value>(
  from: Takes<Taken>,
  wrap: (taken: Taken) => Value
): Promise<IteratorResult<Value, undefined>> {
  for (;;) {
    const taken = from.take()
    if (taken === null) return { done: true, value: undefined }
    if (taken !== undefined) return { done: false, value: wrap(taken) }
    await from.wait()
  }
}
