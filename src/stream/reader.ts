import { native } from '../native/addon.js'
import { answerOf, FAILED, PENDING, resultOf } from '../native/binding.js'
import { loopBudget } from '../native/event-loop.js'
import { localFailure } from '../native/failure.js'
import { checkInto } from './chunk.js'
import { defer } from './deferred/defer.js'
import { decode, endInLine, tooLarge, tooLong } from './line-text.js'
import { ReadAhead } from './read-ahead.js'
import { ReadBuffer } from './read-buffer.js'
import { ReadLock } from './read-lock.js'
import { readSlab } from './read-slab.js'

const end = Promise.resolve(null)
/** Result of a native call that found nothing to read. */
const nothingYet = resultOf(PENDING)
/** Most bytes that are read ahead of a call that may never come. */
const mostAhead = 64 * 1024

/** The receiving half of a stream. */
export class ReadHalf extends ReadLock {
  // Bytes that were read for a line and not taken yet. `null` on most streams.
  #buffer: ReadBuffer | null = null
  // A call for a line has failed with the text of a truncated one: the next call finds EOF.
  #truncated = false

  /** The next bytes, `null` at EOF. Buffered bytes need no async function. `owner` can {@link leave} the read. */
  read(signal?: AbortSignal, owner?: object): Promise<Uint8Array<ArrayBuffer> | null> {
    const state = this.state
    if (signal !== undefined || this.#buffer !== null || state.reading) return this.#read(signal, owner)
    if (state.readOver) return state.readError === null ? end : this.#read(signal, owner)
    if (loopBudget.isSpent()) return this.#read(signal, owner)
    const result = this.#tryNative()
    return result >= 0 ? Promise.resolve(this.#chunk(result) ?? null) : this.#read(signal, owner, result)
  }

  /** Same, behind {@link WriteHalf.finishToRead}: the stream is woken for the next bytes. A native call now would find none. */
  readOnceWoken(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#read(undefined, undefined, nothingYet)
  }

  /** `first`: the result of the first native call, if it was made already. */
  async #read(
    signal: AbortSignal | undefined,
    owner: object | undefined,
    first?: number
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    this.enter(signal)
    if (first === undefined && loopBudget.isSpent() && this.#hasMore()) {
      const turn = this.lock(signal, owner)
      await this.turned(turn, signal)
      this.unlock(turn, signal)
    }
    const kept = this.#buffer?.takeChunk()
    if (kept) {
      loopBudget.take(0)
      return kept
    }
    let tried = first
    for (;;) {
      const chunk = tried === undefined ? this.#tryChunk() : this.#chunk(tried)
      tried = undefined
      if (chunk !== undefined) return chunk
      const turn = this.lock(signal, owner)
      await this.woken(turn, signal)
      this.unlock(turn, signal)
    }
  }

  /** Copies the next bytes into `into` and returns their count, `null` at EOF. */
  async readInto(into: Uint8Array, signal?: AbortSignal): Promise<number | null> {
    this.enter(signal)
    checkInto(into)
    if (loopBudget.isSpent() && this.#hasMore()) {
      const turn = this.lock(signal, undefined)
      await this.turned(turn, signal)
      this.unlock(turn, signal)
      checkInto(into)
    }
    const kept = this.#buffer?.takeInto(into)
    if (kept) {
      loopBudget.take(0)
      return kept
    }
    for (;;) {
      if (this.#isOver()) return null
      const count = this.#count(native().streamRead(this.state.handle, into, 0))
      if (count !== undefined) return count
      const turn = this.lock(signal, undefined)
      await this.woken(turn, signal)
      this.unlock(turn, signal)
      // During the wait, the caller may have transferred the buffer, which detaches it.
      checkInto(into)
    }
  }

  /** Same as {@link readInto}, once the read that waits is done. */
  async readIntoInTurn(into: Uint8Array): Promise<number | null> {
    while (this.isTaken()) await this.nextTurn()
    return this.readInto(into)
  }

  /** All bytes to EOF. More than `maxBytes` stay unread. */
  async rest(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    this.enter(signal)
    this.#buffer ??= new ReadBuffer()
    const buffer = this.#buffer
    for (;;) {
      if (buffer.size > maxBytes) throw tooLarge(this.state, maxBytes)
      if (loopBudget.isSpent() && this.#hasMore()) {
        const turn = this.lock(signal, undefined)
        await this.turned(turn, signal)
        this.unlock(turn, signal)
      }
      const chunk = this.#tryChunk()
      if (chunk === null) return buffer.takeRest()
      if (chunk !== undefined) buffer.push(chunk)
      else {
        buffer.detach()
        const turn = this.lock(signal, undefined)
        await this.woken(turn, signal)
        this.unlock(turn, signal)
      }
    }
  }

  /** Puts bytes that were just read back in front. `ended`: with the newline behind them. */
  putBack(bytes: Uint8Array, ended: boolean): void {
    this.#buffer ??= new ReadBuffer()
    this.#buffer.putBack(bytes, ended)
  }

  /**
   * Reads a little ahead while no call reads, so that a reset by the peer is noticed. Any other read takes over at once. Keeps the stream
   * in memory, but not the process alive.
   */
  readAhead(): void {
    const isRunning = this.ahead !== null
    this.ahead ??= new ReadAhead(this)
    this.ahead.makeEager()
    if (!isRunning) this.ahead.start()
    else if (this.isAheadWaiting) this.evict()
  }

  /** Same, once no call has read for a while. Does not keep the stream in memory. */
  readAheadWhenIdle(): void {
    // Later, so that a header or an ack still travels with the first bytes.
    defer(() => {
      if (this.ahead !== null || this.state.readOver) return
      this.ahead = new ReadAhead(this)
      this.ahead.start()
    })
  }

  get isReadOver(): boolean {
    return this.state.readOver
  }

  /** Whether a call waits for bytes, or enough bytes were read ahead. Evicts a read ahead. */
  isBusy(): boolean {
    return this.isTaken() || (this.#buffer !== null && this.#buffer.size >= mostAhead)
  }

  /** Reads ahead once. Returns whether there was something to read. */
  tryAhead(): boolean {
    this.#buffer ??= new ReadBuffer()
    const buffer = this.#buffer
    try {
      const into = readSlab.reserveAll().subarray(0, mostAhead - buffer.size)
      const chunk = this.#chunk(native().streamRead(this.state.handle, into, 0))
      if (chunk) buffer.push(chunk)
      else if (chunk === undefined) buffer.detach()
      return chunk !== undefined
    } catch {
      // The core has recorded the error: the next read throws it.
      return true
    }
  }

  /** The next line without its newline, `null` at EOF. Throws once, with the text, when EOF comes within a line. */
  line(maxBytes: number, signal?: AbortSignal, owner?: object): Promise<string | null> {
    return this.#line(maxBytes, signal, owner, false)
  }

  /** Same as {@link line}, but EOF ends the last line too. */
  lineOrLast(maxBytes: number, signal?: AbortSignal, owner?: object): Promise<string | null> {
    return this.#line(maxBytes, signal, owner, true)
  }

  async #line(
    maxBytes: number,
    signal: AbortSignal | undefined,
    owner: object | undefined,
    endsAtEof: boolean
  ): Promise<string | null> {
    this.enter(signal)
    for (;;) {
      if (loopBudget.isSpent() && this.#hasMore()) {
        const turn = this.lock(signal, owner)
        await this.turned(turn, signal)
        this.unlock(turn, signal)
      }
      this.#buffer ??= new ReadBuffer()
      const buffer = this.#buffer
      const line = buffer.takeLine(maxBytes)
      if (line === 'too-long') throw tooLong(this.state, maxBytes)
      if (line !== 'more') {
        loopBudget.take(0)
        buffer.detach()
        return decode(this.state, buffer, line, true)
      }
      const chunk = this.#tryChunk()
      if (chunk === null) return this.#lastLine(buffer, endsAtEof)
      if (chunk !== undefined) buffer.push(chunk)
      else {
        buffer.detach()
        const turn = this.lock(signal, owner)
        await this.woken(turn, signal)
        this.unlock(turn, signal)
      }
    }
  }

  /** What follows the last newline, at EOF. */
  #lastLine(buffer: ReadBuffer, endsAtEof: boolean): string | null {
    if (buffer.size === 0) return null
    if (endsAtEof) return decode(this.state, buffer, buffer.takeRest(), false)
    if (this.#truncated) return null
    this.#truncated = true
    return endInLine(this.state, buffer)
  }

  /** Ends reading: sends STOP_SENDING and fails a waiting read. `message`: the error of later reads. */
  stop(code: number | bigint, message = `reading was ended by this side with code ${code}`): void {
    const state = this.state
    // Discards buffered bytes after EOF was received: later reads must not see a clean EOF.
    const cutsShort = state.readOver && state.readError === null && this.#buffer !== null && this.#buffer.size > 0
    this.#buffer = null
    this.endYield()
    if (state.readOver && !cutsShort) return
    const error = localFailure('ERR_STREAM_STOPPED', message, code)
    if (cutsShort) state.readError = error
    else state.stop(code, error)
  }

  /** Whether the half was reset: by the peer, or with the stream by this side. */
  get isReset(): boolean {
    return this.state.readError?.code === 'ERR_STREAM_RESET'
  }

  /**
   * Throws the error that the next read would throw. A reset comes before the bytes that were read ahead. `isLost`: looks for an error
   * behind the bytes that arrived before the connection ended, and keeps a chunk of them for the next read.
   */
  checkEnd(isLost: boolean): void {
    if (this.isReset) this.#isOver()
    if (this.isTaken() || (this.#buffer !== null && this.#buffer.size > 0)) return
    const chunk = isLost || this.state.readOver ? this.#tryChunk() : null
    if (!chunk) return
    this.#buffer ??= new ReadBuffer()
    this.#buffer.push(chunk)
  }

  /** Whether EOF was reached, and all before it read. */
  get atEnd(): boolean {
    const { readOver, readError } = this.state
    return readOver && readError === null && (this.#buffer === null || this.#buffer.size === 0)
  }

  /** Whether there may be bytes to read: a read at the end need not let the event loop turn. */
  #hasMore(): boolean {
    return !this.state.readOver || (this.#buffer !== null && this.#buffer.size > 0)
  }

  /** Bytes, `null` at EOF, `undefined` when nothing is buffered. */
  #tryChunk(): Uint8Array<ArrayBuffer> | null | undefined {
    return this.#isOver() ? null : this.#chunk(this.#tryNative())
  }

  #tryNative(): number {
    readSlab.reserve()
    return native().streamRead(this.state.handle, readSlab.into, readSlab.offset)
  }

  /** The bytes of a native read's result, as {@link #count}. */
  #chunk(result: number): Uint8Array<ArrayBuffer> | null | undefined {
    const count = this.#count(result)
    return typeof count === 'number' ? readSlab.take(count) : count
  }

  /** The byte count of a native read's result, `null` at EOF, `undefined` when nothing is buffered. Throws if the read failed. */
  #count(result: number): number | null | undefined {
    const { state } = this
    if (answerOf(result) === FAILED) throw state.error(state.settleFailed(result), 'read')
    const count = state.settle(result)
    if (count > 0) {
      loopBudget.take(count)
      return count
    }
    return state.readOver ? null : undefined
  }

  /** Whether EOF was reached. Throws if the half ended with an error. */
  #isOver(): boolean {
    const { state } = this
    if (!state.readOver) return false
    if (state.readError === null) return true
    throw state.error(state.readError, 'read')
  }
}
