/** A least-recently-used cache of at most `capacity` entries. Calls `onRemove` with each value that leaves it. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #capacity: number
  readonly #onRemove: ((value: V) => void) | undefined

  constructor(capacity: number, onRemove?: (value: V) => void) {
    this.#capacity = capacity
    this.#onRemove = onRemove
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    // Skips reordering while the map is at most half full: nothing is evicted soon.
    if (value !== undefined && this.#entries.size * 2 > this.#capacity) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: K, value: V): void {
    const previous = this.#entries.get(key)
    if (previous !== undefined) this.#remove(key, previous)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#capacity) return
    // A Map iterates in insertion order: the first entry is the oldest.
    for (const [oldestKey, oldestValue] of this.#entries) {
      this.#remove(oldestKey, oldestValue)
      break
    }
  }

  /** Removes all entries. */
  clear(): void {
    for (const [key, value] of this.#entries) this.#remove(key, value)
  }

  #remove(key: K, value: V): void {
    this.#entries.delete(key)
    this.#onRemove?.(value)
  }
}
