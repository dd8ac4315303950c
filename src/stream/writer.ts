import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { localFailure } from '../native/failure.js'
import { waitForWake, wake, wakeWord } from '../native/wakeups.js'
import { type CancelOptions, signalOf } from '../types.js'
import { whileWanted } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { checkChunk, encode, isEmpty, kept, noBytes, notAChunk, problemOf } from './chunk.js'
import type { StreamCore } from './core.js'
import { drainToFinLater } from './deferred/defer.js'
import { SendCompletion } from './send-completion.js'

/** Reset code of a stream that a signal aborted. */
export const cancelled = 0x101

const accepted = Promise.resolve()

/** The sending half of a stream. Writes queue in call order; the FIN follows them. */
export class WriteHalf {
  readonly #core: StreamCore
  #busy = false
  // Writes that wait for the current one.
  #queue: (() => void)[] | null = null
  // Finish was called; the FIN is accepted.
  #ending = false
  #finished = false
  #finishing: Promise<void> | null = null
  // The error of this half alone: a stop by the peer, or our own reset.
  #error: BindingError | null = null
  #completion: SendCompletion | null = null

  constructor(core: StreamCore) {
    this.#core = core
  }

  /** Whether a write or finish waits for flow control. */
  get isWriting(): boolean {
    return this.#busy
  }

  /** Whether this half can still send: neither ended nor finishing. */
  get isOpen(): boolean {
    return !this.#core.writeOver && !this.#ending
  }

  /** Why this half ended before its FIN: a stop by the peer, or our own reset. `null` if the whole stream failed. */
  get failure(): BindingError | null {
    return this.#error
  }

  /** Resolves when flow control has accepted the chunk. */
  write(chunk: Uint8Array | string, options?: CancelOptions): Promise<void> {
    try {
      return this.#sendNow(chunk, false, options === undefined ? undefined : signalOf(options))
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

  /** The outcome of the earlier finish, or a new finish if that one was aborted. */
  async #finishAfter(first: Promise<void>, options: CancelOptions = {}): Promise<void> {
    const { signal } = options
    throwIfAborted(signal)
    try {
      await whileWanted(first, signal)
    } catch (error) {
      if (signal?.aborted === true || !this.isOpen) throw error
      await this.finish(undefined, options)
    }
  }

  /** Ends sending at once: the peer sees a reset with this code, not a FIN. */
  reset(code: number | bigint): void {
    const core = this.#core
    if (core.writeOver) return
    core.writeOver = true
    native().streamReset(core.handle, code)
    this.#over(localFailure('ERR_STREAM_RESET', `sending was ended by this side with code ${code}`, code))
    wake(wakeWord(core.handle, 1))
  }

  /** Throws the error that ended this half, unless it was finished. `isLost`: looks for one in a connection that has ended. */
  checkEnd(isLost: boolean): void {
    const core = this.#core
    if (core.writeOver) {
      if (!this.#finished) this.#throw()
    } else if (isLost && native().streamSendEnded(core.handle) === FAILED) {
      throw core.error(native().takeError(), 'write')
    }
  }

  /** Settles when the peer has acknowledged everything, or never will. */
  get delivered(): Promise<void> {
    if (this.#completion === null) {
      this.#completion = new SendCompletion(this.#core)
      const error = this.#error ?? this.#core.failure
      if (this.#finished) this.#completion.follow()
      else if (error !== null) this.#completion.fail(error)
      else this.#completion.watch(() => this.#busy)
    }
    return this.#completion.promise
  }

  /** Fast path: most writes are accepted at once, without an async function. */
  #sendNow(chunk: Uint8Array | string, finish: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (signal !== undefined || this.#busy || !this.isOpen || problemOf(chunk) !== null)
      return this.#send(chunk, finish, signal)
    const bytes = typeof chunk === 'string' ? encode(chunk) : chunk
    const got = native().streamWrite(this.#core.handle, bytes, 0, finish)
    if (got !== bytes.length * 2 + (finish ? 1 : 0)) return this.#send(bytes, finish, undefined, got)
    if (finish) {
      this.#ending = true
      this.#end()
    }
    return accepted
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
    const core = this.#core
    let bytes = typeof chunk === 'string' ? encode(chunk) : checkChunk(chunk)
    const { length } = bytes
    let sent = 0
    let tried = first
    let inTurn = !this.#busy
    this.#ending = finish
    this.#busy = true
    try {
      if (!inTurn) {
        bytes = kept(bytes)
        await this.#turn(signal)
        inTurn = true
      }
      for (;;) {
        if (core.writeOver) this.#throw()
        // The caller may have detached the chunk meanwhile. Sending a part of it would corrupt the stream or never complete.
        if (bytes.length !== length) throw notAChunk('must not be transferred or resized before it is written')
        const got = tried ?? native().streamWrite(core.handle, bytes, sent, finish)
        tried = undefined
        if (got >= 0) {
          const flag = got & 1
          sent += (got - flag) / 2
          if (flag === 1) return this.#end()
          if (sent === length && !finish) return
          // The core accepts at least one byte. A subclass that overstates its length would loop forever.
          if (got === 0) throw notAChunk('must have as many bytes as its length says')
        } else if (got === FAILED) {
          this.#fail()
          // The peer stopped reading, and nothing is left to send.
          if (finish && bytes.length === 0 && this.#wasStopped()) return this.#end()
          this.#throw()
        } else {
          bytes = kept(bytes)
          await waitForWake(wakeWord(core.handle, 1), signal, core.keepsAlive)
        }
      }
    } catch (error) {
      // The peer must not mistake a partial chunk for a message.
      if (sent > 0 && !core.writeOver)
        core.abort(cancelled, 'the stream was reset by this side: a write was cancelled half way')
      if (finish) this.#reopen()
      throw error
    } finally {
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
    if (this.#core.writeOver || this.#ending) this.#throw()
  }

  #throw(): never {
    const error = this.#error ?? (this.#finished ? null : this.#core.failure)
    throw this.#core.error(error ?? finishedBefore, 'write')
  }

  #end(): void {
    this.#finished = true
    this.#error = null
    const core = this.#core
    core.writeOver = true
    this.#completion?.follow()
    core.halfEnded()
    // Without a reader, the core must drain to the peer's FIN.
    if (!core.readOver && !core.reading) drainToFinLater(core)
  }

  /** Undoes an aborted finish of which nothing was sent. */
  #reopen(): void {
    this.#ending = false
    this.#finishing = null
  }

  #fail(): void {
    const error = this.#core.failure ?? native().takeError()
    this.#core.onNativeError(error)
    if (error.code === 'ERR_INVALID_ARGUMENT') throw this.#core.error(error, 'write')
    this.#core.writeOver = true
    this.#over(error)
  }

  #over(error: BindingError): void {
    this.#error = error
    this.#completion?.fail(error)
    this.#core.halfEnded()
  }

  #wasStopped(): boolean {
    return this.#error?.code === 'ERR_STREAM_STOPPED' && (this.#error.errorCode ?? 0) === 0
  }
}

const finishedBefore = localFailure('ERR_STREAM_FINISHED', 'sending was finished before: nothing more can be sent')
