// As much as one native read gives.
const slabBytes = 256 * 1024
const poolBytes = 16 * 1024
// Pieces up to this size share a pool's buffer: an array buffer of their own would cost more than the read.
const maxPooledBytes = 4 * 1024

/** Buffer for reads without `into`, one per environment. Nothing refers to it after the read. */
export class ReadSlab {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #pool = this.bytes
  #used = 0

  /** Makes sure that there is room for a read. */
  reserve(): void {
    if (this.bytes.length === 0) this.bytes = new Uint8Array(slabBytes)
  }

  /**
   * A copy of the first `count` bytes. Up to 4 KiB it shares a buffer of 16 KiB with others, so that a piece that is kept keeps no
   * more than that; above it has a buffer of its own.
   */
  take(count: number): Uint8Array<ArrayBuffer> {
    if (count > maxPooledBytes) return this.bytes.slice(0, count)
    if (this.#used + count > this.#pool.length) {
      this.#pool = new Uint8Array(poolBytes)
      this.#used = 0
    }
    const piece = this.#pool.subarray(this.#used, this.#used + count)
    piece.set(this.bytes.subarray(0, count))
    this.#used += count
    return piece
  }
}

/** The read slab of this environment. */
export const readSlab: ReadSlab = new ReadSlab()
