const newline = 10
const maxJoinedBytes = 64 * 1024
const empty = new Uint8Array(0)

/**
 * Bytes that were read and not taken yet. Cuts lines out of the chunks. Pure: it neither reads nor decodes.
 *
 * `takeLine` removes the `\n` at the end of a line and keeps a `\r` before it. The other calls take bytes.
 */
export class ReadBuffer {
  #chunks: Uint8Array<ArrayBuffer>[] = []
  #size = 0
  // Bytes at the front in which there is no newline: nothing is searched twice.
  #searched = 0

  /** Number of buffered bytes. */
  get size(): number {
    return this.#size
  }

  /** Adds bytes at the end. They are kept, mostly without a copy: leave them as they are. */
  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (chunk.length === 0) return
    this.#size += chunk.length
    let last = chunk
    // Small chunks are joined as they come, each byte a few times at most: a peer that sends single bytes makes no long list.
    for (let before = this.#chunks.at(-1); before !== undefined; before = this.#chunks.at(-1)) {
      if (before.length > last.length || before.length + last.length > maxJoinedBytes) break
      const joined = new Uint8Array(before.length + last.length)
      joined.set(before)
      joined.set(last, before.length)
      last = joined
      this.#chunks.pop()
    }
    this.#chunks.push(last)
  }

  /**
   * Takes the next line. `'more'`: it is not here yet. `'too-long'`: it has more than `maxBytes` (without its end), and stays.
   */
  takeLine(maxBytes: number): Uint8Array | 'more' | 'too-long' {
    const length = this.#find(maxBytes)
    if (length > maxBytes) return 'too-long'
    if (length < 0) return 'more'
    const line = this.#take(length)
    this.#take(1)
    return line
  }

  /** Puts a line that was just taken back in front; `ended`: with its newline. */
  putBack(line: Uint8Array, ended: boolean): void {
    const bytes = new Uint8Array(line.length + (ended ? 1 : 0)).fill(newline)
    bytes.set(line)
    if (bytes.length === 0) return
    this.#chunks.unshift(bytes)
    this.#size += bytes.length
    this.#searched = 0
  }

  /** Takes the bytes that came first, in one piece as they came; `null` when there are none. */
  takeChunk(): Uint8Array<ArrayBuffer> | null {
    const first = this.#chunks[0]
    return first === undefined ? null : this.#take(first.length)
  }

  /** Takes as many bytes as there are and fit, and says how many. */
  takeInto(into: Uint8Array): number {
    let filled = 0
    for (;;) {
      const first = this.#chunks[0]
      if (first === undefined || filled === into.length) return filled
      const piece = this.#take(Math.min(first.length, into.length - filled))
      into.set(piece, filled)
      filled += piece.length
    }
  }

  /** Takes everything that is there. */
  takeRest(): Uint8Array<ArrayBuffer> {
    return this.#take(this.#size)
  }

  /** Everything that is there, joined into one chunk and left there. To look at the next bytes only: `takeInto`, then `putBack`. */
  joinRest(): Uint8Array {
    const rest = this.takeRest()
    this.putBack(rest, false)
    return rest
  }

  /** Copies what would keep a buffer of more than twice its size. For when what is left stays for a while. */
  detach(): void {
    for (let at = 0; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as Uint8Array<ArrayBuffer>
      if (chunk.buffer.byteLength > chunk.length * 2) this.#chunks[at] = chunk.slice()
    }
  }

  /** Length of the first line; -1 when its end is not here; more than `maxBytes` as soon as it must be. */
  #find(maxBytes: number): number {
    let before = 0
    for (const chunk of this.#chunks) {
      const from = this.#searched - before
      if (from < chunk.length) {
        const at = chunk.indexOf(newline, Math.max(from, 0))
        if (at >= 0) {
          // Bytes before the newline need no further search. The newline itself is found again at once.
          this.#searched = before + at
          return before + at
        }
        this.#searched = before + chunk.length
        if (this.#searched > maxBytes) return this.#searched
      }
      before += chunk.length
    }
    return this.#size > maxBytes ? this.#size : -1
  }

  #take(count: number): Uint8Array<ArrayBuffer> {
    this.#size -= count
    this.#searched = Math.max(this.#searched - count, 0)
    const first = this.#chunks[0]
    if (count === 0 || first === undefined) return empty
    if (first.length > count) {
      this.#chunks[0] = first.subarray(count)
      return first.subarray(0, count)
    }
    if (first.length === count) {
      this.#chunks.shift()
      return first
    }
    return this.#join(count)
  }

  #join(count: number): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(count)
    let filled = 0
    let whole = 0
    for (const chunk of this.#chunks) {
      const room = count - filled
      if (chunk.length > room) {
        joined.set(chunk.subarray(0, room), filled)
        this.#chunks[whole] = chunk.subarray(room)
        break
      }
      joined.set(chunk, filled)
      filled += chunk.length
      whole++
    }
    this.#chunks.splice(0, whole)
    return joined
  }
}
