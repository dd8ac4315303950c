import type { PeerStream } from '../connection/connection.js'
import { abortCause } from '../connection/expected-end.js'
import { FastnNetError, type Protocol } from '../errors.js'
import { offAbort, onAbort } from '../util/abort.js'
import { after } from '../util/timeout.js'
import { contextOf } from './request-lines.js'

/** Context of a request: everything besides the input. */
export interface RequestContext {
  /** ID52 of the caller, authenticated by the handshake. */
  readonly remoteId52: string
  /** Protocol of the request. */
  readonly protocol: Protocol
  /**
   * When the caller gives up, in milliseconds as from `Date.now()` on this machine; `undefined` if it does not, or speaks the older
   * protocol. A handler that returns an async iterable must return it by then.
   */
  readonly deadline: number | undefined
  /**
   * Aborts when the answer is of no more use:
   *
   * - the caller's signal aborts, its timeout passes, or it leaves the answer's loop: `ERR_STREAM_STOPPED` or `ERR_STREAM_RESET`
   * - the connection ends: `ERR_CONNECTION_LOST`
   * - this endpoint closes: `ERR_CLOSED`
   * - {@link deadline} passes: `ERR_CALL_TIMEOUT`
   *
   * Created on first use. Does not abort after the handler has settled; for an async iterable, after it has ended.
   */
  readonly signal: AbortSignal
}

/** The context of one request. */
export class HandlerContext implements RequestContext {
  readonly #stream: PeerStream
  readonly deadline: number | undefined
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #onFailure: (() => void) | undefined
  #isOver = false
  #isAnswering = false

  /** `timeout`: milliseconds within which the answer must begin, as the caller says. */
  constructor(stream: PeerStream, timeout: unknown) {
    this.#stream = stream
    const isLimit = typeof timeout === 'number' && timeout >= 0 && timeout <= 0x7fffffff
    this.deadline = isLimit ? Date.now() + timeout : undefined
  }

  get remoteId52(): string {
    return this.#stream.remoteId52
  }

  get protocol(): Protocol {
    return this.#stream.protocol
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch()
    return this.#controller.signal
  }

  /** Whether a handler threw the reason of its own signal, perhaps in an `AbortError`: it stopped for a caller that has left. */
  isReason(error: unknown): boolean {
    const signal = this.#controller?.signal
    return signal?.aborted === true && (signal.reason === error || signal.reason === abortCause(error))
  }

  /** The answer begins: the deadline no longer counts. */
  answering(): void {
    this.#isAnswering = true
    clearTimeout(this.#timer)
  }

  /** The request is over: nothing aborts the signal any more. */
  end(): void {
    this.#isOver = true
    this.answering()
    if (this.#onFailure !== undefined) offAbort(this.#stream.signal, this.#onFailure)
  }

  #watch(): AbortController {
    const controller = new AbortController()
    if (this.#isOver) return controller
    const { signal } = this.#stream
    this.#onFailure = () => controller.abort(signal.reason)
    if (signal.aborted) this.#onFailure()
    else onAbort(signal, this.#onFailure)
    if (this.deadline !== undefined && !this.#isAnswering) {
      const expire = () => controller.abort(this.#expired())
      // The caller's own deadline ends the wait; this timer need not keep the process alive.
      this.#timer = after(Math.max(this.deadline - Date.now(), 0), expire)?.unref()
    }
    return controller
  }

  #expired(): FastnNetError {
    const message = 'the caller no longer waits: its deadline has passed'
    return new FastnNetError('ERR_CALL_TIMEOUT', message, contextOf(this.#stream, 'serve'))
  }
}
