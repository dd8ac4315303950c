import type { QueueSteps } from './queue-iterator.js'

/** A queue whose items are taken without waiting. */
export interface TakeQueue<Item> {
  /** Returns the next item; `undefined` if there is none yet, `null` if no more can come. */
  take(): Item | null | undefined
  /** Waits until another {@link take} may succeed. */
  wait(): Promise<void>
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
