import { type PeerStream, streamOf } from '../connection/connection.js'
import { type ServedProtocols, StreamQueue } from '../connection/stream-queue.js'
import { isFastnNetError } from '../errors.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { Protocol } from '../stream/protocol.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { abortable, after, deadline } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'

/** What a {@link Listener} serves, and how. */
export interface ServeSettings {
  readonly served: ServedProtocols
  /** Handles a stream. Never rejects. */
  readonly handle: (stream: PeerStream, route: number) => Promise<void>
  readonly signal: AbortSignal | undefined
  /** Receives {@link Listener.closed}. */
  readonly onListening: (closed: Promise<void>) => void
}

/** How a method that calls `listen` differs from it. */
export interface ListenedBy {
  /** Name of the method, for the warning of a failure. */
  readonly method: string
  /** Called once no handler takes a stream any more. Running handlers can end soon then. */
  readonly onStopped?: () => void
}

/** Takes streams and hands them to handlers, without a reference to the {@link Listener}. */
export class ServeLoop {
  readonly #endpoint: EndpointState
  readonly #signal: AbortSignal | undefined
  readonly #handle: ServeSettings['handle']
  readonly #handlers: RunningHandlers
  /** Undefined if listening failed. */
  #queue: StreamQueue | undefined
  /** Limit of the wait for handlers, from `close`. */
  #timeout: number | undefined
  /** Whether the program can learn of a failure. */
  isObserved = false
  /** Method that the program called. */
  by: ListenedBy = { method: 'listen' }
  readonly protocols: readonly Protocol[]
  readonly ready: Promise<void>
  readonly closed: Promise<void>

  constructor(endpoint: EndpointState, { served, handle, signal, onListening }: ServeSettings) {
    this.#endpoint = endpoint
    this.#signal = signal
    this.#handle = handle
    this.#handlers = new RunningHandlers(endpoint)
    this.protocols = Object.freeze(served.headers.map(({ protocol }) => protocol))
    try {
      this.#queue = new StreamQueue(endpoint, served, signal)
      this.ready = Promise.resolve()
      this.closed = this.#run(this.#queue)
    } catch (error) {
      // The frames of the queue leave no room for those of the program.
      if (isFastnNetError(error)) Error.captureStackTrace(error, ServeLoop)
      this.ready = Promise.reject(error)
      this.closed = this.ready
    }
    onListening(this.closed)
    this.closed.catch(error => setImmediate(() => this.isObserved || warnFailed(error, this.by.method)))
  }

  async #run(queue: StreamQueue): Promise<void> {
    for (;;) {
      const state = queue.take()
      if (state === null) break
      if (state !== undefined) this.#handlers.add(this.#handle(streamOf(state), queue.route))
      if (state === undefined || queue.isEmptied) await queue.wait()
    }
    this.by.onStopped?.()
    const { closing, isDraining, options } = this.#endpoint
    // A draining endpoint is closed later, with a timeout of its own.
    if (isDraining) return await this.#handlers.waitUntilIdle(undefined, closing)
    const timeout = this.#timeout ?? (this.#signal?.aborted ? options.closeTimeout : undefined)
    if (timeout !== undefined) await this.#handlers.waitUntilIdle(timeout, closing)
  }

  /** See {@link Listener.close}. */
  async close(options: TimeoutOptions): Promise<void> {
    const timeout = timeoutOf(options, this.#endpoint.options.closeTimeout)
    throwIfAborted(options.signal)
    await abortable(this.#close(timeout), options.signal)
  }

  /** Resolves once {@link closed} has settled, after `timeout` milliseconds at the latest. */
  async #close(timeout: number): Promise<void> {
    this.#timeout ??= timeout
    this.#queue?.stop()
    const limit = deadline(timeout)
    await Promise.race([Promise.allSettled([this.closed]), limit.passed])
    limit.stop()
  }
}

/** Counts running handlers. Cheaper than a set of their promises. */
class RunningHandlers {
  readonly #endpoint: EndpointState
  #count = 0
  #idle: (() => void) | undefined

  constructor(endpoint: EndpointState) {
    this.#endpoint = endpoint
  }

  add(work: Promise<void>): void {
    if (this.#count++ === 0) this.#endpoint.activeListens++
    void work.then(() => {
      if (--this.#count > 0) return
      this.#endpoint.activeListens--
      this.#idle?.()
    })
  }

  /** Waits until no handler runs, up to `timeout` milliseconds if given, or until the endpoint closes, which ends their streams. */
  async waitUntilIdle(timeout: number | undefined, closing: AbortSignal): Promise<void> {
    if (this.#count === 0 || closing.aborted) return
    await new Promise<void>(resolve => {
      const timer = timeout === undefined ? undefined : after(timeout, done)
      this.#idle = done
      closing.addEventListener('abort', done)
      function done() {
        clearTimeout(timer)
        closing.removeEventListener('abort', done)
        resolve()
      }
    })
  }
}

function warnFailed(error: unknown, method: string): void {
  const isInUse = isFastnNetError(error, 'ERR_PROTOCOL_IN_USE')
  const advice = isInUse ? 'Close the first listener, or choose another name. ' : ''
  const format = (message: string) =>
    `${method} failed: ${message}. ${advice}To handle this error, await the ready or closed of the result`
  warnOnce(error, 'ERR_LISTEN', format)
}
