import { checkConstructor, type internal } from '../util/illegal-constructor.js'

/** A queue whose items are taken without waiting. */
export interface TakeQueue<Item> {
  /** Returns the next item; `undefined` if there is none yet, `null` if no more can come. */
  take(): Item | null | undefined
  /** Waits until another {@link take} may succeed. */
  wait(): Promise<void>
  close(): void
}

/** @internal What a {@link QueueIterator} does with its queue, whose item type it does not know. */
export interface QueueSteps<T> {
  next(): Promise<IteratorResult<T, undefined>>
  close(): void
}

/** Steps over a queue. `wrap` turns an item into what the iterator yields. */
export function stepsOf<Item, T>(queue: TakeQueue<Item>, wrap: (item: Item) => T): QueueSteps<T> {
  return {
    async next() {
      for (;;) {
        const item = queue.take()
        if (item === null) return { done: true, value: undefined }
        if (item !== undefined) return { done: false, value: wrap(item) }
        await queue.wait()
      }
    },
    close: () => queue.close()
  }
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
