/** A map of at most `most` entries: one more drops the least recently used. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #most: number
  readonly #dropped: ((value: V) => void) | undefined

  constructor(most: number, dropped?: (value: V) => void) {
    this.#most = most
    this.#dropped = dropped
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    // While there is room for as many again, the order cannot matter yet.
    if (value !== undefined && this.#entries.size * 2 > this.#most) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: K, value: V): void {
    const before = this.#entries.get(key)
    if (before !== undefined) this.#remove(key, before)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#most) return
    // A Map goes through its keys in the order of insertion.
    for (const [oldest, old] of this.#entries) {
      this.#remove(oldest, old)
      break
    }
  }

  /** Drops all entries. */
  clear(): void {
    for (const [key, value] of this.#entries) this.#remove(key, value)
  }

  #remove(key: K, value: V): void {
    this.#entries.delete(key)
    this.#dropped?.(value)
  }
}
