import { releaseWithOwner } from './bridge/collector.js'
import type { EndpointState } from './bridge/endpoint-state.js'
import { lastFailure } from './bridge/failure.js'
import { Newcomers } from './bridge/newcomers.js'
import { unpark, wakeWord } from './bridge/park.js'
import { throwIfAborted } from './bridge/validate.js'
import { Connection } from './connection.js'
import { FAILED, native, PENDING } from './native.js'

/**
 * Connections that peers make, to be taken in a loop. It takes them from the call that made it on; leaving the loop, its signal,
 * or closing the endpoint ends it.
 *
 * Waiting keeps the process alive, unless the endpoint is unreferenced.
 */
export class IncomingConnections implements AsyncIterableIterator<Connection>, AsyncDisposable {
  readonly #endpoint: EndpointState
  readonly #signal: AbortSignal | undefined
  readonly #close = () => this.#end()
  #handle = FAILED
  readonly #newcomers: Newcomers

  private constructor(endpoint: EndpointState, signal: AbortSignal | undefined) {
    this.#endpoint = endpoint
    this.#newcomers = new Newcomers(endpoint)
    this.#signal = signal
    if (signal?.aborted === true) return
    throwIfAborted(signal)
    this.#handle = native().endpointIncoming(endpoint.handle)
    if (this.#handle === FAILED) throw lastFailure({ phase: 'accept' })
    releaseWithOwner(this, this.#handle)
    signal?.addEventListener('abort', this.#close, { once: true })
  }

  /** @internal */
  static of(endpoint: EndpointState, signal?: AbortSignal): IncomingConnections {
    return new IncomingConnections(endpoint, signal)
  }

  /** The next connection. Several calls may wait at once. */
  async next(): Promise<IteratorResult<Connection, undefined>> {
    for (;;) {
      if (this.#handle === FAILED) return { done: true, value: undefined }
      const taken = native().incomingTake(this.#handle)
      if (taken >= 0) return { done: false, value: Connection.of(this.#endpoint, taken) }
      if (taken === PENDING) await this.#newcomers.wait(this.#handle)
      else this.#failed()
    }
  }

  /** Ends it: connections are accepted no longer for this loop's sake, those that are there stay. */
  async return(): Promise<IteratorResult<Connection, undefined>> {
    this.#end()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  #failed(): void {
    const error = lastFailure({ phase: 'accept' })
    this.#end()
    if (error.code !== 'ERR_CLOSED') throw error
  }

  #end(): void {
    if (this.#handle === FAILED) return
    const handle = this.#handle
    this.#handle = FAILED
    this.#signal?.removeEventListener('abort', this.#close)
    native().handleRelease(handle)
    unpark(wakeWord(handle, 0))
  }
}
