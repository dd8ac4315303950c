// Pieces up to this size share a slab's buffer; larger ones have a buffer of their own, which can be transferred.
const shared = 16 * 1024
const slabBytes = 256 * 1024
// Below this a read could return less than there is.
const leastRoom = 64 * 1024

/** What reads without a buffer of their own are read into; one for each environment. */
export class Slab {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  used = 0

  /** Makes sure that there is room for a read at `used`. */
  reserve(): void {
    if (this.bytes.length - this.used >= leastRoom) return
    this.bytes = new Uint8Array(slabBytes)
    this.used = 0
  }

  /** The `count` bytes that were just read at `used`. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const end = this.used + count
    if (count > shared) return this.bytes.slice(this.used, end)
    const piece = this.bytes.subarray(this.used, end)
    this.used = end
    return piece
  }
}

/** The slab of this environment. */
export const slab: Slab = new Slab()
