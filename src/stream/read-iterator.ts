/** Iterates over what a function returns until that is `null`. Leaving the loop ends the iteration, and a pending step with it. */
export class ReadIterator<T> implements AsyncIterableIterator<T> {
  readonly #next: (owner: object) => Promise<T | null>
  readonly #leave: (owner: object) => void
  #done = false
  #returned = false

  /** `leave` runs when the loop is left. It must end a wait of `next` that was begun for this owner. */
  constructor(next: (owner: object) => Promise<T | null>, leave: (owner: object) => void) {
    this.#next = next
    this.#leave = leave
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return { done: true, value: undefined }
    try {
      const value = await this.#next(this)
      if (value !== null) return { done: false, value }
    } catch (error) {
      // `return` ended this step: its error is expected.
      if (this.#returned) return { done: true, value: undefined }
      this.#done = true
      throw error
    }
    this.#done = true
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#done = true
    this.#returned = true
    this.#leave(this)
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
