import { FastnNetError } from '../errors.js'
import type { ReadHalf } from '../stream/reader.js'
import type { StreamState } from '../stream/stream-state.js'
import { readableOf } from '../stream/web-streams.js'
import { ChunkDecoder } from './chunks.js'
import { BadMessage, type Framing } from './head.js'

/** Settings of a received body. */
export interface BodyOptions {
  readonly framing: Framing
  readonly maxBytes: number
  /** Called before the first read. */
  readonly onFirstRead?: () => void
  /** Maps an error to the one that the reader of the body gets. */
  readonly errorOf?: (error: unknown) => unknown
  /** Called once, when reading has ended. */
  readonly onEnd?: () => void
}

/** A body that is read from a stream. */
export class ReceivedBody {
  readonly #state: StreamState
  readonly #reader: ReadHalf
  readonly #options: BodyOptions
  readonly #chunks: ChunkDecoder | undefined
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Bytes left. */
  #left: number
  #received = 0
  #hasBegun = false
  /** Whether the body was read to its end. */
  isComplete = false
  /** Error of a failed read. */
  failure: unknown

  constructor(state: StreamState, reader: ReadHalf, options: BodyOptions) {
    this.#state = state
    this.#reader = reader
    this.#options = options
    const { framing } = options
    this.#chunks = framing === 'chunked' ? new ChunkDecoder() : undefined
    this.#left = typeof framing === 'number' ? framing : Number.POSITIVE_INFINITY
    const source = {
      atEnd: false,
      checkEnd() {},
      readAheadWhenIdle() {},
      readIntoInTurn: (into: Uint8Array) => this.#read(into),
      stop: (code: number | bigint) => {
        if (this.isComplete) return
        reader.stop(code)
        options.onEnd?.()
      }
    }
    this.stream = readableOf(source, () => () => {})
  }

  async #read(into: Uint8Array): Promise<number | null> {
    const { onFirstRead, onEnd, errorOf, maxBytes } = this.#options
    if (this.isComplete) return null
    try {
      if (!this.#hasBegun) onFirstRead?.()
      this.#hasBegun = true
      const count = this.#left === 0 ? null : await this.#next(into)
      this.#received += count ?? 0
      if (this.#received > maxBytes) throw new BadMessage(413, `the body is longer than ${maxBytes} bytes`)
      this.isComplete = count === null || this.#left === 0 || this.#chunks?.isComplete === true
      if (this.isComplete) onEnd?.()
      return count
    } catch (error) {
      const seen = errorOf?.(error) ?? this.#shown(error)
      this.failure = error
      this.#reader.stop(0)
      onEnd?.()
      throw seen
    }
  }

  async #next(into: Uint8Array): Promise<number | null> {
    const chunks = this.#chunks
    // Bytes of the next message stay with the reader.
    const room = this.#left < into.length ? into.subarray(0, this.#left) : into
    for (;;) {
      const read = await this.#reader.readIntoInTurn(room)
      if (read === null) {
        if (this.#options.framing === 'fin') return null
        throw this.#cutShort()
      }
      if (chunks === undefined) {
        this.#left -= read
        return read
      }
      const { count, used } = chunks.decode(room.subarray(0, read))
      if (used < read) this.#reader.putBack(room.slice(used, read), false)
      if (count > 0) return count
      if (chunks.isComplete) return null
    }
  }

  #cutShort(): FastnNetError {
    const message = 'the peer ended the stream within the body'
    return new FastnNetError('ERR_UNEXPECTED_END', message, { ...this.#state.context('body'), partial: '' })
  }

  #shown(error: unknown): unknown {
    if (!(error instanceof BadMessage)) return error
    const code = error.status === 413 ? 'ERR_TOO_LARGE' : 'ERR_UNEXPECTED_END'
    return new FastnNetError(code, error.message, this.#state.context('body'))
  }
}
