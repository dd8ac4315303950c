import type { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import type { BindingError } from '../native/binding-types.js'
import { type Context, failure, localFailure } from '../native/failure.js'
import { releaseWithOwnerLater, type ShortLived } from '../native/finalizers.js'
import { setKeepsAlive, wake, wakeWord } from '../native/wakeups.js'
import { Borrowers, type CheckBorrower } from './borrowers.js'
import { watchLater } from './deferred/stop-sending-watch.js'
import type { Link } from './endpoint-state.js'
import type { Protocol } from './protocol.js'
import { SendEndWatch } from './send-end-watch.js'

/** The handle of a stream, and what its two halves share: connection, protocol, and the failure that ended both. */
export class StreamCore implements ShortLived {
  readonly handle: number
  readonly link: Link
  readonly protocol: Protocol
  /** QUIC's number of the stream. */
  readonly id: number
  /** A read waits for bytes. */
  reading = false
  /** Waiting calls keep the process alive. */
  keepsAlive = true
  /** `null` on most streams. */
  #borrowers: Borrowers | null = null
  readOver = false
  writeOver = false
  /** Why both halves have ended. */
  failure: BindingError | null = null
  /** Called when `failure` is set. */
  onFailure: ((error: BindingError) => void) | null = null
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

  /** Whether waiting calls, now and later, keep the process alive. */
  setKeepsAlive(keepsAlive: boolean): void {
    this.keepsAlive = keepsAlive
    setKeepsAlive(wakeWord(this.handle, 0), keepsAlive)
    setKeepsAlive(wakeWord(this.handle, 1), keepsAlive)
  }

  get over(): boolean {
    return this.readOver && this.writeOver
  }

  /** Lends the stream to a web or Node stream. Call the result when that has ended. */
  lend(check: CheckBorrower): () => void {
    this.#borrowers ??= new Borrowers(this.link)
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

  /** Call when a half has ended, well or not. */
  halfEnded(): void {
    this.#borrowers?.check()
    this.onHalfEnd?.()
  }

  /** Notices the end of the sending half while no call waits. */
  get sendEnd(): SendEndWatch {
    this.#sendEnd ??= new SendEndWatch(this.handle)
    return this.#sendEnd
  }

  context(phase: string): Context {
    return { peer: this.link.id52, protocol: this.protocol, phase }
  }

  error(error: BindingError, phase: string): FastnNetError {
    return failure(error, this.context(phase))
  }

  /**
   * Handles the failure of a native call on one half. A reset or a stop ends that half alone, which remembers it. A lost connection or a
   * refusal ends both halves, wakes the calls that wait on the other one, and releases the native slot at once.
   */
  onNativeError(error: BindingError): void {
    if (this.failure !== null || ownHalfOnly.has(error.code)) return
    this.fail(error)
    native().streamAbandon(this.handle, 0)
  }

  /** Ends both halves at once, with one of this library's own codes. */
  abort(code: number, message: string): void {
    if (this.over) return
    native().streamAbandon(this.handle, code)
    this.fail(localFailure('ERR_STREAM_RESET', message, code))
  }

  /** Ends both halves with this error. */
  fail(error: BindingError): void {
    this.failure = error
    this.readOver = true
    this.writeOver = true
    wake(wakeWord(this.handle, 0))
    wake(wakeWord(this.handle, 1))
    this.onFailure?.(error)
    this.#borrowers?.failed()
    this.onHalfEnd?.()
  }
}

const ownHalfOnly: ReadonlySet<string> = new Set([
  'ERR_STREAM_RESET',
  'ERR_STREAM_STOPPED',
  'ERR_STREAM_FINISHED',
  'ERR_INVALID_ARGUMENT'
])
