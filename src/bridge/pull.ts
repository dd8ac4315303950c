/** Iterates over what a function gives until it gives `null`. Leaving the loop ends the iteration and nothing else. */
export class Pull<T> implements AsyncIterableIterator<T> {
  readonly #next: () => Promise<T | null>
  #done = false

  constructor(next: () => Promise<T | null>) {
    this.#next = next
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return { done: true, value: undefined }
    try {
      const value = await this.#next()
      if (value !== null) return { done: false, value }
    } catch (error) {
      this.#done = true
      throw error
    }
    this.#done = true
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#done = true
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
