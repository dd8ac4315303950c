import { FastnNetError, isFastnNetError } from '../errors.js'
import type { StreamCore } from '../stream/core.js'
import type { ReadHalf } from '../stream/reader.js'
import { readableOf } from '../stream/web-streams.js'
import { BadMessage, type Framing } from './head.js'

const maxSizeLine = 256
const maxTrailerLine = 8 * 1024
const maxTrailers = 64
const sizeLine = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[^\r]*)?\r$/
const trailerLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r]*\r$/

/** How a body is received. */
export interface BodyOptions {
  readonly framing: Framing
  readonly maxBytes: number
  /** Called before the first read. */
  readonly onFirstRead?: () => void
  /** What the reader of the body sees in place of an error. */
  readonly errorOf?: (error: unknown) => unknown
  /** Called once, when no more of it will be read. */
  readonly onEnd?: () => void
}

/** A body, taken off a stream. */
export class ReceivedBody {
  readonly #core: StreamCore
  readonly #reader: ReadHalf
  readonly #options: BodyOptions
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Bytes left of the body, or of its current chunk. */
  #left: number
  #received = 0
  #hasBegun = false
  /** Whether all of it was read, up to and with its end. */
  isComplete = false
  /** Why reading failed. */
  failure: unknown

  constructor(core: StreamCore, reader: ReadHalf, options: BodyOptions) {
    this.#core = core
    this.#reader = reader
    this.#options = options
    this.#left = typeof options.framing === 'number' ? options.framing : 0
    const source = {
      atEnd: false,
      checkEnd() {},
      readAheadWhenIdle() {},
      readIntoInTurn: (into: Uint8Array) => this.#read(into),
      stop: (code: number | bigint) => {
        reader.stop(code)
        options.onEnd?.()
      }
    }
    this.stream = readableOf(source, () => () => {})
  }

  async #read(into: Uint8Array): Promise<number | null> {
    const { onFirstRead, onEnd, errorOf } = this.#options
    try {
      if (!this.#hasBegun) onFirstRead?.()
      const count = await this.#next(into)
      this.#hasBegun = true
      if (count !== null) return count
      this.isComplete = true
      onEnd?.()
      return null
    } catch (error) {
      const seen = errorOf?.(error) ?? this.#shown(error)
      this.failure = error
      this.#reader.stop(0)
      onEnd?.()
      throw seen
    }
  }

  async #next(into: Uint8Array): Promise<number | null> {
    const { framing, maxBytes } = this.#options
    if (framing === 'chunked' && this.#left === 0 && !(await this.#nextChunk())) return null
    if (framing !== 'fin' && this.#left === 0) return null
    const most = framing === 'fin' ? into.length : Math.min(into.length, this.#left)
    const count = await this.#reader.readIntoInTurn(into.subarray(0, most))
    if (count === null) {
      if (framing === 'fin') return null
      throw this.#cutShort()
    }
    this.#left -= count
    this.#received += count
    if (this.#received > maxBytes) throw new BadMessage(413, `the body is longer than ${maxBytes} bytes`)
    return count
  }

  /** Reads the line with the size of a chunk. False: it was the last one. */
  async #nextChunk(): Promise<boolean> {
    if (this.#hasBegun && (await this.#line(1)) !== '\r') throw new BadMessage(400, 'a chunk is malformed')
    const size = sizeLine.exec(await this.#line(maxSizeLine))?.[1]
    if (size === undefined) throw new BadMessage(400, 'the size of a chunk is malformed')
    this.#left = Number.parseInt(size, 16)
    if (this.#left > 0) return true
    for (let count = 0; count <= maxTrailers; count++) {
      const line = await this.#line(maxTrailerLine)
      if (line === '\r') return false
      if (!trailerLine.test(line)) throw new BadMessage(400, 'a trailer field is malformed')
    }
    throw new BadMessage(431, `the body has more than ${maxTrailers} trailer fields`)
  }

  async #line(maxBytes: number): Promise<string> {
    try {
      const line = await this.#reader.line(maxBytes)
      if (line !== null) return line
    } catch (error) {
      if (isFastnNetError(error, 'ERR_LINE_TOO_LONG') || isFastnNetError(error, 'ERR_UTF8'))
        throw new BadMessage(400, 'a chunk is malformed')
      if (!isFastnNetError(error, 'ERR_UNEXPECTED_END')) throw error
    }
    throw this.#cutShort()
  }

  #cutShort(): FastnNetError {
    const message = 'the peer ended the stream within the body'
    return new FastnNetError('ERR_UNEXPECTED_END', message, { ...this.#core.context('body'), partial: '' })
  }

  #shown(error: unknown): unknown {
    if (!(error instanceof BadMessage)) return error
    const code = error.status === 413 ? 'ERR_TOO_LARGE' : 'ERR_UNEXPECTED_END'
    return new FastnNetError(code, error.message, this.#core.context('body'))
  }
}
