/** Numbers that a seed decides (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** An integer from 0 to below `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  /** One of the items. */
  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item
  }

  /** Text of random bytes, one character a byte. */
  bytes(length: number): string {
    return Array.from({ length }, () => String.fromCharCode(this.below(256))).join('')
  }
}

/** Changes a text in one to four places: removes, repeats, inserts, replaces, cuts. Inserts are of `dictionary`, or random bytes. */
export function mutated(random: Random, text: string, dictionary: readonly string[]): string {
  let result = text
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(result.length + 1)
    const length = random.below(random.of([2, 8, 64]))
    const piece = random.below(3) === 0 ? random.bytes(1 + random.below(4)) : random.of(dictionary)
    const [before, after] = [result.slice(0, at), result.slice(at + length)]
    result = random.of([
      before + after,
      before + result.slice(at, at + length).repeat(1 + random.below(20)) + after,
      before + piece + result.slice(at),
      before + piece + after,
      before + piece.repeat(1 + random.below(200)) + result.slice(at),
      before
    ])
  }
  return result
}
