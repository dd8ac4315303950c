import { native } from '../native/addon.js'
import { answerOf, FAILED, PENDING, SEND_OVER } from '../native/binding.js'
import { loopBudget, nextLoopTurn } from '../native/event-loop.js'
import { localFailure } from '../native/failure.js'
import { waitForWake, wakeWord } from '../native/wakeups.js'
import { type CancelOptions, signalOf } from '../types.js'
import { abortable } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { checkChunk, encode, isEmpty, noBytes, notAChunk, owned, problemOf } from './chunk.js'
import { drainToFinLater } from './deferred/defer.js'
import { cancelled } from './failure-codes.js'
import { SendCompletion } from './send-completion.js'
import type { StreamState } from './stream-state.js'

const accepted = Promise.resolve()

/** The sending half of a stream. Writes queue in call order; the FIN follows them. */
export class WriteHalf {
  readonly #state: StreamState
  #busy = false
  // Writes that wait for the current one.
  #queue: (() => void)[] | null = null
  // Finish was called.
  #ending = false
  #finishing: Promise<void> | null = null
  #completion: SendCompletion | null = null
  // The handler of the stream returned without a finish.
  #handlerReturned = false

  constructor(state: StreamState) {
    this.#state = state
  }

  /** Whether a write or finish waits for flow control. */
  get isWriting(): boolean {
    return this.#busy
  }

  /** Whether this half can still send: neither ended nor finishing. */
  get isOpen(): boolean {
    return !this.#state.writeOver && !this.#ending
  }

  /** Resolves when flow control has accepted the chunk. */
  write(chunk: Uint8Array | string, options?: CancelOptions): Promise<void> {
    try {
      const sent = this.#sendNow(chunk, false, options === undefined ? undefined : signalOf(options))
      // The bytes are on their way. Only a caller that awaits each write lets the event loop turn.
      if (sent !== accepted) return this.#thenTurn(sent)
      return loopBudget.isSpent() ? nextLoopTurn(this.#state, undefined) : sent
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves when flow control has accepted the FIN and everything before it. */
  finish(chunk?: Uint8Array | string, options?: CancelOptions): Promise<void> {
    try {
      const signal = options === undefined ? undefined : signalOf(options)
      if (this.#finishing !== null && isEmpty(chunk)) return this.#finishAfter(this.#finishing, options)
      const again = this.#ending
      const sent = this.#sendNow(chunk === undefined ? noBytes : chunk, true, signal)
      if (this.#ending && !again) this.#finishing = sent
      return sent
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Finishes, for a caller that reads the answer in the same turn of the event loop. Returns whether that can be
   * {@link ReadHalf.readOnceWoken}. Errors are those of the read.
   */
  finishToRead(chunk: Uint8Array): boolean {
    const state = this.#state
    if (this.#busy || !this.isOpen) {
      this.finish(chunk).catch(() => {})
      return false
    }
    const result = native().streamWrite(state.handle, chunk, 0, true, true)
    if (answerOf(result) !== chunk.length) {
      this.#finishing = this.#send(chunk, true, undefined, result)
      this.#finishing.catch(() => {})
      return false
    }
    this.#ending = true
    this.#finishing = accepted
    state.settle(result)
    this.#drain()
    return !state.readOver
  }

  /** Finishes the stream of a handler that has returned. The error of later calls says so. */
  finishForHandler(): Promise<void> {
    this.#handlerReturned = true
    return this.finish()
  }

  /** The outcome of the earlier finish, or a new finish if that one was aborted. */
  async #finishAfter(first: Promise<void>, options: CancelOptions = {}): Promise<void> {
    const { signal } = options
    throwIfAborted(signal)
    try {
      await abortable(first, signal)
    } catch (error) {
      if (signal?.aborted === true || !this.isOpen) throw error
      await this.finish(undefined, options)
    }
  }

  /** Ends sending at once: the peer sees a reset with this code, not a FIN. */
  reset(code: number | bigint): void {
    const state = this.#state
    if (state.writeOver) return
    const error = localFailure('ERR_STREAM_RESET', `sending was ended by this side with code ${code}`, code)
    state.settle(native().streamReset(state.handle, code), error)
  }

  /** Throws the error that ended this half, unless it was finished. `isLost`: looks for one in a connection that has ended. */
  checkEnd(isLost: boolean): void {
    const state = this.#state
    if (state.writeOver) {
      if (state.writeError !== null) this.#throw()
    } else if (isLost) {
      const result = native().streamSendEnded(state.handle)
      if (answerOf(result) === FAILED) throw state.error(state.settleFailed(result), 'write')
    }
  }

  /** Settles when the peer has acknowledged everything, or never will. */
  get delivered(): Promise<void> {
    this.#completion ??= new SendCompletion(this.#state, () => this.#busy)
    return this.#completion.promise
  }

  /** Fast path: most writes are accepted at once, without an async function. */
  #sendNow(chunk: Uint8Array | string, finish: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (signal !== undefined || this.#busy || !this.isOpen || problemOf(chunk) !== null)
      return this.#send(chunk, finish, signal)
    const bytes = typeof chunk === 'string' ? encode(chunk) : chunk
    const state = this.#state
    const result = native().streamWrite(state.handle, bytes, 0, finish, false)
    if (answerOf(result) !== bytes.length) return this.#send(bytes, finish, undefined, result)
    if (finish) this.#ending = true
    loopBudget.take(bytes.length)
    state.settle(result)
    if (finish) this.#drain()
    return accepted
  }

  async #thenTurn(sent: Promise<void>): Promise<void> {
    await sent
    if (loopBudget.isSpent()) await nextLoopTurn(this.#state, undefined)
  }

  /** `first`: the result of the first native call, if it was made already. */
  async #send(
    chunk: Uint8Array | string,
    finish: boolean,
    signal: AbortSignal | undefined,
    first?: number
  ): Promise<void> {
    throwIfAborted(signal)
    this.#checkOpen()
    const state = this.#state
    let bytes = typeof chunk === 'string' ? encode(chunk) : checkChunk(chunk)
    const { length } = bytes
    let sent = 0
    let tried = first
    let inTurn = !this.#busy
    const { finishing } = state.connection.endpoint
    if (finish) finishing.begin()
    this.#ending = finish
    this.#busy = true
    try {
      if (!inTurn) {
        bytes = owned(bytes)
        await this.#turn(signal)
        inTurn = true
      }
      for (;;) {
        if (state.writeOver) this.#throw()
        // During a wait, the caller may have detached the chunk. Sending a part of it would corrupt the stream or never complete.
        if (bytes.length !== length) throw notAChunk('must not be transferred or resized before it is written')
        const result = tried ?? native().streamWrite(state.handle, bytes, sent, finish, false)
        tried = undefined
        const count = answerOf(result)
        if (count === PENDING) {
          bytes = owned(bytes)
          await waitForWake(wakeWord(state.handle, 1), signal, state)
        } else if (count === FAILED) {
          const error = native().takeError()
          // The peer stopped reading with code 0, and nothing is left to send.
          const needsNoMore =
            finish && length === 0 && error.code === 'ERR_STREAM_STOPPED' && (error.errorCode ?? 0) === 0
          state.settle(result, needsNoMore ? null : error)
          if (!needsNoMore) throw state.error(error, 'write')
          return this.#drain()
        } else {
          state.settle(result)
          loopBudget.take(count)
          sent += count
          if ((result & SEND_OVER) !== 0) return this.#drain()
          if (sent === length && !finish) return
          // The core accepts at least one byte. A subclass that overstates its length would loop forever.
          if (count === 0) throw notAChunk('must have as many bytes as its length says')
        }
      }
    } catch (error) {
      // The peer must not mistake a partial chunk for a message.
      if (sent > 0 && !state.writeOver)
        state.abort(cancelled, 'the stream was reset by this side: a write was cancelled half way')
      if (finish) this.#reopen()
      throw error
    } finally {
      if (finish) finishing.end()
      if (inTurn) this.#pass()
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue ??= []
      const queue = this.#queue
      const abort = () => {
        queue.splice(queue.indexOf(next), 1)
        reject(signal?.reason)
      }
      const next = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      queue.push(next)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  #pass(): void {
    const next = this.#queue?.shift()
    if (next === undefined) this.#busy = false
    else next()
  }

  #checkOpen(): void {
    if (this.#state.writeOver || this.#ending) this.#throw()
  }

  #throw(): never {
    throw this.#state.error(
      this.#state.writeError ?? (this.#handlerReturned ? finishedByReturn : finishedBefore),
      'write'
    )
  }

  /** Lets the core drain to the peer's FIN, without a reader. */
  #drain(): void {
    const state = this.#state
    if (!state.readOver && !state.reading) drainToFinLater(state)
  }

  /** Undoes an aborted finish that has sent nothing. */
  #reopen(): void {
    this.#ending = false
    this.#finishing = null
  }
}

const finishedByReturn = localFailure(
  'ERR_STREAM_FINISHED',
  'the handler had returned before, which finishes its stream: await the work in it'
)
const finishedBefore = localFailure('ERR_STREAM_FINISHED', 'sending was finished before: nothing more can be sent')
