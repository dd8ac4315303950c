// As much as one native read gives.
const slabBytes = 256 * 1024
const poolBytes = 16 * 1024
// Pieces up to this size share a pool's buffer: an array buffer of their own would cost more than the read.
const maxPooledBytes = 4 * 1024
// Room that is left at the end of a pool. Less would cut too many pieces in two.
const leastRoom = 1024

const none = new Uint8Array(0)

/**
 * Memory for reads without `into`, one per environment. While pieces are small, reads go straight to a pool, and from the first that
 * fills it, to a slab that is as large as a read may be.
 */
export class ReadSlab {
  #slab = none
  #pool = none
  #used = 0
  #isLarge = false
  /** Where the next read goes, once there is room. */
  into: Uint8Array<ArrayBuffer> = none
  /** From where on in {@link into}. */
  offset = 0

  /** Makes sure that there is room for a read. */
  reserve(): void {
    if (this.#isLarge) this.#reserveSlab()
    else if (this.#pool.length - this.#used < leastRoom) this.#renewPool()
  }

  /** Same, for a read of any size. */
  reserveAll(): Uint8Array<ArrayBuffer> {
    this.#reserveSlab()
    return this.into
  }

  /**
   * The bytes of the read that was made. Up to 4 KiB they share a buffer of 16 KiB with others, so that a piece that is kept keeps no
   * more than that; above it they have a buffer of their own.
   */
  take(count: number): Uint8Array<ArrayBuffer> {
    const { into, offset } = this
    const end = offset + count
    const isPooled = into === this.#pool
    this.#isLarge = isPooled ? end === into.length : count > maxPooledBytes
    if (count > maxPooledBytes) return into.slice(offset, end)
    if (!isPooled) return this.#copyToPool(into.subarray(0, count))
    this.#used = end
    this.offset = end
    return into.subarray(offset, end)
  }

  #reserveSlab(): void {
    if (this.#slab.length === 0) this.#slab = new Uint8Array(slabBytes)
    this.into = this.#slab
    this.offset = 0
  }

  #renewPool(): void {
    this.#pool = new Uint8Array(poolBytes)
    this.#used = 0
    this.into = this.#pool
    this.offset = 0
  }

  #copyToPool(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#used + bytes.length > this.#pool.length) this.#renewPool()
    this.into = this.#pool
    this.offset = this.#used
    this.into.set(bytes, this.offset)
    return this.take(bytes.length)
  }
}

/** The read slab of this environment. */
export const readSlab: ReadSlab = new ReadSlab()
