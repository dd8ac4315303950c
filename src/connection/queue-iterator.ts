import { checkConstructor, type internal } from '../util/illegal-constructor.js'

/** @internal What a {@link QueueIterator} does with its queue, whose item type it does not know. */
export interface QueueSteps<T> {
  next(): Promise<IteratorResult<T, undefined>>
  close(): void
}

/** Base of the async iterators over an endpoint's queues. Several calls of {@link next} may be pending at once. */
export abstract class QueueIterator<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #steps: QueueSteps<T>

  /** @internal */
  protected constructor(key: typeof internal, factory: string, steps: QueueSteps<T>) {
    checkConstructor(key, factory)
    this.#steps = steps
  }

  /** Waits for the next item. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#steps.next()
  }

  /** Closes the queue. Pending calls of {@link next} resolve with `done: true`. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#steps.close()
    return { done: true, value: undefined }
  }

  /** Returns this iterator. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** Closes the queue, like {@link return}. Idempotent. */
  async close(): Promise<void> {
    this.#steps.close()
  }

  /** Closes the queue, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#steps.close()
  }
}
