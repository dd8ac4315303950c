import { isBytes, isShared } from '../bytes.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { LineReader } from '../line-reader.js'
import { type BindingError, native, PENDING } from '../native.js'
import { localFailure } from './failure.js'
import { park, unpark, wakeWord } from './park.js'
import { slab } from './slab.js'
import type { StreamCore } from './stream-core.js'
import { throwIfAborted } from './validate.js'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const end = Promise.resolve(null)
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/** The receiving half of a stream. Whatever reads it, there is one reader at a time. */
export class ReadHalf {
  readonly #core: StreamCore
  #ended = false
  // A reset by the peer, or our own stop: the end of this half only.
  #error: BindingError | null = null
  // What was read for a line and not taken yet. Most streams never have one.
  #lines: LineReader | null = null

  constructor(core: StreamCore) {
    this.#core = core
  }

  /** The next bytes, `null` at the end. What is there already takes no async function. */
  read(signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | null> {
    const core = this.#core
    if (signal !== undefined || this.#lines !== null || core.reading) return this.#read(signal)
    if (this.#ended) return end
    if (core.readOver) return this.#read(signal)
    const got = this.#tryNative()
    return got > 0 ? Promise.resolve(this.#chunk(got)) : this.#read(signal, got)
  }

  /** `first`: what the first try gave, when it was made already. */
  async #read(signal: AbortSignal | undefined, first?: number): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#enter(signal)
    const kept = this.#lines?.takeChunk()
    if (kept) return kept
    let tried = first
    for (;;) {
      const chunk = tried === undefined ? this.#tryChunk() : this.#answer(tried)
      tried = undefined
      if (chunk !== undefined) return chunk
      await this.#wait(signal)
      this.#core.reading = false
    }
  }

  /** Puts the next bytes into `into` and gives their count, `null` at the end. */
  async readInto(into: Uint8Array, signal?: AbortSignal): Promise<number | null> {
    this.#enter(signal)
    checkInto(into)
    const kept = this.#lines?.takeInto(into)
    if (kept) return kept
    for (;;) {
      if (this.#isOver()) return null
      const got = native().streamRead(this.#core.handle, into, 0)
      if (got > 0) return this.#count(got)
      if (got < PENDING) return this.#fail()
      await this.#wait(signal)
      this.#core.reading = false
      // Who waits for bytes may lose the place for them: transferred elsewhere, it has no length any more.
      checkInto(into)
    }
  }

  /** The next line without its end, `null` when the stream ended before one began. */
  async line(maxBytes: number, signal?: AbortSignal): Promise<string | null> {
    this.#enter(signal)
    this.#lines ??= new LineReader()
    const lines = this.#lines
    for (;;) {
      const line = lines.takeLine(maxBytes)
      if (line === 'too-long') throw this.#tooLong(maxBytes)
      if (line !== 'more') return this.#decode(lines, line, true)
      const chunk = this.#tryChunk()
      if (chunk === null) return lines.size === 0 ? null : this.#endInLine(lines)
      if (chunk !== undefined) lines.push(chunk)
      else {
        await this.#wait(signal)
        this.#core.reading = false
      }
    }
  }

  /** As {@link line}, but what stands before the end counts as a line. */
  async lineOrLast(maxBytes: number, signal?: AbortSignal): Promise<string | null> {
    try {
      return await this.line(maxBytes, signal)
    } catch (error) {
      const lines = this.#lines
      if (!isFastnNetError(error, 'ERR_UNEXPECTED_END') || lines === null) throw error
      return this.#decode(lines, lines.takeRest(), false)
    }
  }

  /** Wants no further byte: the peer is told so, a waiting read fails. */
  stop(code: number | bigint): void {
    const core = this.#core
    this.#lines = null
    if (core.readOver) return
    core.readOver = true
    this.#error = localFailure('ERR_STREAM_STOPPED', `reading was ended by this side with code ${code}`, code)
    native().streamStop(core.handle, code)
    unpark(wakeWord(core.handle, 0))
  }

  /** An unexpected end, with what was there. */
  unexpectedEnd(partial: string): FastnNetError {
    return new FastnNetError(
      'ERR_UNEXPECTED_END',
      partial === '' ? 'the stream ended where a line was expected' : 'the stream ended in the middle of a line',
      { ...this.#core.context('read'), partial }
    )
  }

  #enter(signal: AbortSignal | undefined): void {
    throwIfAborted(signal)
    if (!this.#core.reading) return
    throw new FastnNetError(
      'ERR_READ_PENDING',
      'a read of this stream waits already: await it first; read, iterators, lines and readable are one reader',
      this.#core.context('read')
    )
  }

  /** Bytes, `null` at the end, `undefined` when there is nothing yet. */
  #tryChunk(): Uint8Array<ArrayBuffer> | null | undefined {
    return this.#isOver() ? null : this.#answer(this.#tryNative())
  }

  #tryNative(): number {
    slab.reserve()
    return native().streamRead(this.#core.handle, slab.bytes, slab.used)
  }

  #answer(got: number): Uint8Array<ArrayBuffer> | null | undefined {
    if (got > 0) return this.#chunk(got)
    return got < PENDING ? this.#fail() : undefined
  }

  #chunk(got: number): Uint8Array<ArrayBuffer> | null {
    const count = this.#count(got)
    return count === null ? null : slab.take(count)
  }

  /** The count in a positive answer, `null` when it says nothing but the end. */
  #count(got: number): number | null {
    if ((got & 1) === 1) {
      this.#ended = true
      this.#core.readOver = true
    }
    return got === 1 ? null : got >>> 1
  }

  /** Who was woken takes `reading` back itself: that saves each read a promise. */
  #wait(signal: AbortSignal | undefined): Promise<void> {
    this.#core.reading = true
    const woken = park(wakeWord(this.#core.handle, 0), signal)
    if (signal === undefined) return woken
    return woken.finally(() => {
      this.#core.reading = false
    })
  }

  /** Whether the end was reached; throws when it was a bad one. */
  #isOver(): boolean {
    if (!this.#core.readOver) return false
    // What was received whole stays whole, whatever happens to the other half.
    if (this.#ended) return true
    const error = this.#error ?? this.#core.failure
    if (error === null) return true
    throw this.#core.error(error, 'read')
  }

  /** `null` when it was no failure but an end. */
  #fail(): null {
    const core = this.#core
    const error = core.failure ?? native().takeError()
    // Our side was over, so the core read ahead, met the end, had nothing to keep, and gave the place back. An endpoint that was
    // closed is no end: what it closed its connections with tells it from a place that is gone.
    if (error.code === 'ERR_CLOSED' && error.errorCode === null && core.writeOver && core.failure === null) {
      this.#ended = true
      core.readOver = true
      return null
    }
    core.heard(error)
    if (error.code === 'ERR_STREAM_RESET') {
      this.#error = error
      core.readOver = true
    }
    throw core.error(error, 'read')
  }

  #endInLine(lines: LineReader): never {
    throw this.unexpectedEnd(lenient.decode(lines.peekRest()))
  }

  #tooLong(maxBytes: number): FastnNetError {
    return new FastnNetError(
      'ERR_LINE_TOO_LONG',
      `the line has more than ${maxBytes} bytes: raise maxBytes, or read it as bytes`,
      this.#core.context('read')
    )
  }

  #decode(lines: LineReader, line: Uint8Array, ended: boolean): string {
    try {
      return strict.decode(line)
    } catch (cause) {
      lines.putBack(line, ended)
      throw new FastnNetError('ERR_UTF8', 'the line is not UTF-8: read it as bytes', {
        ...this.#core.context('read'),
        cause
      })
    }
  }
}

function checkInto(into: Uint8Array): void {
  const problem = !isBytes(into)
    ? 'must be a Uint8Array'
    : isShared(into)
      ? 'must not be shared memory'
      : into.length === 0
        ? 'must not be empty or detached'
        : null
  if (problem !== null) throw new FastnNetError('ERR_INVALID_ARGUMENT', `options.into ${problem}`, { phase: 'read' })
}
