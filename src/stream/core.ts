import type { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { answerOf, EOF, RECV_OVER, SEND_OVER } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { type Context, failure, localFailure } from '../native/failure.js'
import { releaseWithOwnerLater, type ShortLived } from '../native/finalizers.js'
import { type WaitOwner, wake, wakeWord } from '../native/wakeups.js'
import { Borrowers, type CheckBorrower } from './borrowers.js'
import { watchLater } from './deferred/stop-sending-watch.js'
import type { Link } from './endpoint-state.js'
import type { Protocol } from './protocol.js'
import { SendEndWatch } from './send-end-watch.js'

/** The handle of a stream, and what its two halves share: connection, protocol, and the record of how each half ended. */
export class StreamCore implements ShortLived, WaitOwner {
  readonly handle: number
  readonly link: Link
  readonly protocol: Protocol
  /** QUIC's number of the stream. */
  readonly id: number
  /** A read waits for bytes. */
  reading = false
  keepsAlive = true
  waiting = 0
  /** `null` on most streams. */
  #borrowers: Borrowers | null = null
  /** The halves that are over, as bits `RECV_OVER` and `SEND_OVER`: what native calls have answered. */
  #state = 0
  /** Error of a receiving half that is over; `null` at EOF. */
  readError: BindingError | null = null
  /** Error of a sending half that is over; `null` once it is finished. */
  writeError: BindingError | null = null
  /** Called when the sending half is over. */
  onSendOver: ((error: BindingError | null) => void) | null = null
  /** Called when a half ends, well or not. */
  onHalfEnd: (() => void) | null = null
  #sendEnd: SendEndWatch | null = null

  constructor(handle: number, link: Link, protocol: Protocol, id: number) {
    this.handle = handle
    this.link = link
    this.protocol = protocol
    this.id = id
    releaseWithOwnerLater(this)
    watchLater(this)
  }

  get readOver(): boolean {
    return (this.#state & RECV_OVER) !== 0
  }

  get writeOver(): boolean {
    return (this.#state & SEND_OVER) !== 0
  }

  get over(): boolean {
    return this.#state === (RECV_OVER | SEND_OVER)
  }

  /** Why the stream failed, or a half of it. Reading that this side stopped is no failure. */
  get failure(): BindingError | null {
    return this.writeError ?? (this.readError?.code === 'ERR_STREAM_STOPPED' ? null : this.readError)
  }

  /** Lends the stream to a web or Node stream. Call the result when that has ended. */
  lend(check: CheckBorrower): () => void {
    this.#borrowers ??= new Borrowers(this)
    return this.#borrowers.add(check)
  }

  get isLent(): boolean {
    return this.#borrowers !== null && this.#borrowers.size > 0
  }

  /** Of a lent stream: true once all web and Node streams that use it have ended, false if the stream or its connection ends before. */
  async returned(): Promise<boolean> {
    await this.#borrowers?.returned()
    return !this.isLent
  }

  /** Notices the end of the sending half while no call waits. */
  get sendEnd(): SendEndWatch {
    this.#sendEnd ??= new SendEndWatch(this)
    return this.#sendEnd
  }

  context(phase: string): Context {
    return { peer: this.link.id52, protocol: this.protocol, phase }
  }

  error(error: BindingError, phase: string): FastnNetError {
    return failure(error, this.context(phase))
  }

  /**
   * Records which halves a native call left over, and returns the answer in its result. `error`: why a half is over, except a receiving
   * half at EOF. Wakes the calls that wait on a half that is over.
   */
  settle(result: number, error: BindingError | null = null): number {
    const ended = result & ~this.#state & (RECV_OVER | SEND_OVER)
    if (ended !== 0) this.#end(ended, (result & EOF) === 0 ? error : null, error)
    return answerOf(result)
  }

  /** Same for a call that failed. Returns its error. */
  settleFailed(result: number): BindingError {
    const error = native().takeError()
    this.settle(result, error)
    return error
  }

  /** Ends reading with a code of the application. */
  stop(code: number | bigint, error: BindingError): void {
    this.settle(native().streamStop(this.handle, code) & ~EOF, error)
  }

  /** Ends both halves at once, with one of this library's own codes. */
  abort(code: number, message: string): void {
    if (this.over) return
    const error = localFailure('ERR_STREAM_RESET', message, code)
    this.settle(native().streamAbandon(this.handle, code) & ~EOF, error)
  }

  #end(ended: number, readError: BindingError | null, writeError: BindingError | null): void {
    this.#state |= ended
    if ((ended & RECV_OVER) !== 0) {
      this.readError = readError
      wake(wakeWord(this.handle, 0))
    }
    if ((ended & SEND_OVER) !== 0) {
      this.writeError = writeError
      wake(wakeWord(this.handle, 1))
      this.#borrowers?.sendOver()
      this.onSendOver?.(writeError)
    }
    if (this.over && this.failure !== null) this.#borrowers?.failed()
    else this.#borrowers?.check()
    this.onHalfEnd?.()
  }
}
