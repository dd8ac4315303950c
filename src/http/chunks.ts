import { Buffer } from 'node:buffer'
import { BadMessage } from './head.js'

const CR = 13
const LF = 10
const maxSizeLine = 256
const maxTrailerLine = 8 * 1024
const maxTrailers = 64
const sizeLine = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t -~\x80-\xff]*)?\r$/
const trailerLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r$/

type Part = 'size' | 'data' | 'CR' | 'LF' | 'trailer'

/** Decodes a body with `Transfer-Encoding: chunked` in place. Drops chunk extensions and trailers. */
export class ChunkDecoder {
  #part: Part = 'size'
  /** Bytes left of the current chunk. */
  #left = 0
  /** Buffered part of the current line. */
  #line = ''
  #trailers = 0
  /** Whether the whole body was decoded, including trailers. */
  isComplete = false

  /**
   * Moves the body's bytes to the front. Returns their number, and the number of consumed bytes: all, except at the end of the body.
   *
   * @throws {BadMessage}
   */
  decode(bytes: Uint8Array): { count: number; used: number } {
    let count = 0
    let used = 0
    while (used < bytes.length && !this.isComplete) {
      if (this.#part !== 'data') {
        used = this.#framing(bytes, used)
        continue
      }
      const size = Math.min(this.#left, bytes.length - used)
      bytes.copyWithin(count, used, used + size)
      count += size
      used += size
      this.#left -= size
      if (this.#left === 0) this.#part = 'CR'
    }
    return { count, used }
  }

  /** Parses the framing between two pieces of the body. Returns the offset of the next part. */
  #framing(bytes: Uint8Array, from: number): number {
    if (this.#part === 'CR' || this.#part === 'LF') {
      if (bytes[from] !== (this.#part === 'CR' ? CR : LF)) throw malformed()
      this.#part = this.#part === 'CR' ? 'LF' : 'size'
      return from + 1
    }
    const found = bytes.indexOf(LF, from)
    const end = found < 0 ? bytes.length : found
    if (this.#line.length + end - from > (this.#part === 'size' ? maxSizeLine : maxTrailerLine)) throw malformed()
    this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1')
    if (found < 0) return end
    const line = this.#line
    this.#line = ''
    if (this.#part === 'size') this.#size(line)
    else this.#trailer(line)
    return found + 1
  }

  #size(line: string): void {
    const size = sizeLine.exec(line)?.[1]
    if (size === undefined) throw new BadMessage(400, 'the size of a chunk is malformed')
    this.#left = Number.parseInt(size, 16)
    this.#part = this.#left > 0 ? 'data' : 'trailer'
  }

  #trailer(line: string): void {
    if (line === '\r') {
      this.isComplete = true
      return
    }
    if (!trailerLine.test(line)) throw new BadMessage(400, 'a trailer field is malformed')
    if (++this.#trailers > maxTrailers)
      throw new BadMessage(431, `the body has more than ${maxTrailers} trailer fields`)
  }
}

function malformed(): BadMessage {
  return new BadMessage(400, 'a chunk is malformed')
}
