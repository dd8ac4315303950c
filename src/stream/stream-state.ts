import type { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { answerOf, EOF, RECV_OVER, SEND_OVER } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { type Context, failure, localFailure } from '../native/failure.js'
import { releaseWithOwnerLater, type ShortLived } from '../native/finalizers.js'
import { type WaitOwner, wake, wakeWord } from '../native/wakeups.js'
import { watchLater } from './deferred/stop-sending-watch.js'
import type { ConnectionState } from './endpoint-state.js'
import type { Protocol } from './protocol.js'
import { SendEndWatch } from './send-end-watch.js'
import { type CheckAdapter, StreamAdapters } from './stream-adapters.js'

/** The handle of a stream, and what its two halves share: connection, protocol, and the record of how each half ended. */
export class StreamState implements ShortLived, WaitOwner {
  readonly handle: number
  readonly connection: ConnectionState
  readonly protocol: Protocol
  /** QUIC's number of the stream. */
  readonly id: number
  /** A read waits for bytes. */
  reading = false
  keepsAlive = true
  waiting = 0
  /** `null` on most streams. */
  #adapters: StreamAdapters | null = null
  /** The halves that are over, as bits `RECV_OVER` and `SEND_OVER`: what native calls have answered. */
  #over = 0
  /** Error of a receiving half that is over; `null` at EOF. */
  readError: BindingError | null = null
  /** Error of a sending half that is over; `null` once it is finished. */
  writeError: BindingError | null = null
  /** Called when the sending half is over. */
  onSendOver: ((error: BindingError | null) => void) | null = null
  /** Called when a half ends, well or not. */
  onHalfEnd: (() => void) | null = null
  #sendEnd: SendEndWatch | null = null

  constructor(handle: number, connection: ConnectionState, protocol: Protocol, id: number) {
    this.handle = handle
    this.connection = connection
    this.protocol = protocol
    this.id = id
    releaseWithOwnerLater(this)
    watchLater(this)
  }

  get readOver(): boolean {
    return (this.#over & RECV_OVER) !== 0
  }

  get writeOver(): boolean {
    return (this.#over & SEND_OVER) !== 0
  }

  get over(): boolean {
    return this.#over === (RECV_OVER | SEND_OVER)
  }

  /** Why the stream failed, or a half of it. Reading that this side stopped is no failure. */
  get failure(): BindingError | null {
    return this.writeError ?? (this.readError?.code === 'ERR_STREAM_STOPPED' ? null : this.readError)
  }

  /** Adds a web or Node stream that uses this stream. Call the result when that has ended. */
  addAdapter(check: CheckAdapter): () => void {
    this.#adapters ??= new StreamAdapters(this)
    return this.#adapters.add(check)
  }

  get hasAdapters(): boolean {
    return this.#adapters !== null && this.#adapters.size > 0
  }

  /** Resolves to true once all web and Node streams that use this stream have ended, to false if the stream or its connection ends before. */
  async adaptersEnded(): Promise<boolean> {
    await this.#adapters?.ended()
    return !this.hasAdapters
  }

  /** Notices the end of the sending half while no call waits. */
  get sendEnd(): SendEndWatch {
    this.#sendEnd ??= new SendEndWatch(this)
    return this.#sendEnd
  }

  context(phase: string): Context {
    return { peer: this.connection.id52, protocol: this.protocol, phase }
  }

  error(error: BindingError, phase: string): FastnNetError {
    return failure(error, this.context(phase))
  }

  /**
   * Records which halves a native call left over, and returns the answer in its result. `error`: why a half is over, except a receiving
   * half at EOF. Wakes the calls that wait on a half that is over.
   */
  settle(result: number, error: BindingError | null = null): number {
    const ended = result & ~this.#over & (RECV_OVER | SEND_OVER)
    if (ended !== 0) this.#end(ended, (result & EOF) === 0 ? error : null, error)
    return answerOf(result)
  }

  /** Same for a call that failed. Returns its error. */
  settleFailed(result: number): BindingError {
    const error = explained(native().takeError())
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
    this.#over |= ended
    if ((ended & RECV_OVER) !== 0) {
      this.readError = readError
      wake(wakeWord(this.handle, 0))
    }
    if ((ended & SEND_OVER) !== 0) {
      this.writeError = writeError
      wake(wakeWord(this.handle, 1))
      this.#adapters?.sendOver()
      this.onSendOver?.(writeError)
    }
    if (this.over && this.failure !== null) this.#adapters?.failed()
    else this.#adapters?.check()
    this.onHalfEnd?.()
  }
}

/** Says which call the peer has probably forgotten: code 0 is that of `close` and `await using`. */
function explained(error: BindingError): BindingError {
  if (error.code !== 'ERR_STREAM_RESET' || error.errorCode !== 0) return error
  return { ...error, message: 'the peer ended the stream without finish() (reset with code 0)' }
}
