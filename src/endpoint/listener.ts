import { type PeerStream, streamOf } from '../connection/connection.js'
import { streamQueues } from '../connection/loaded.js'
import type { ServedProtocols, StreamQueue } from '../connection/stream-queue.js'
import { isFastnNetError } from '../errors.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { Protocol } from '../stream/protocol.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { abortable, after, deadline } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'

/** @internal What a {@link Listener} serves, and how. */
export interface ListenerSettings {
  readonly served: ServedProtocols
  /** Handles a stream. Never rejects. */
  readonly handle: (stream: PeerStream, route: number) => Promise<void>
  readonly signal: AbortSignal | undefined
  /** Receives {@link Listener.closed}. */
  readonly onListening: (closed: Promise<void>) => void
}

/** @internal Starts listening. */
export let listenerOf: (endpoint: EndpointState, settings: ListenerSettings) => Listener

/** @internal How a method that calls `listen` differs from it. */
export interface ListenedBy {
  /** Name of the method, for the warning of a failure. */
  readonly method: string
  /** Called once no handler takes a stream any more. Running handlers can end soon then. */
  readonly onStopped?: () => void
}

/** @internal Sets what differs for another method than `listen`. */
export let listenedBy: (listener: Listener, by: ListenedBy) => Listener

/**
 * Serves protocols on an endpoint, from its creation by {@link Endpoint.listen} on. Garbage collection does not end it.
 *
 * @example
 * await using listener = endpoint.listen({ Echo: stream => stream.finish('hello\n') })
 * await listener.ready
 */
export class Listener implements AsyncDisposable {
  readonly #endpoint: EndpointState
  readonly #loop: ServeLoop
  /** Protocols that have a handler, in the order in which they were given. */
  readonly protocols: readonly Protocol[]

  private constructor(key: typeof internal, endpoint: EndpointState, settings: ListenerSettings) {
    checkConstructor(key, 'endpoint.listen()')
    this.#endpoint = endpoint
    this.protocols = Object.freeze(settings.served.headers.map(({ protocol }) => protocol))
    this.#loop = new ServeLoop(endpoint, settings)
  }

  /**
   * Resolves once the protocols are served, and peers can open streams. Rejects if they cannot be. Resolves if the signal was already
   * aborted, although nothing is served.
   *
   * Never causes an unhandled rejection. A failure is a process warning if neither `ready` nor {@link closed} was read by the next turn
   * of the event loop.
   *
   * Rejects with `ERR_PROTOCOL_IN_USE` if a protocol already has a listener, with `ERR_SHUTTING_DOWN`, or with `ERR_CLOSED`.
   */
  get ready(): Promise<void> {
    this.#loop.isObserved = true
    return this.#loop.ready
  }

  /**
   * Resolves when listening has ended and running handlers have settled. It waits for the handlers at most
   *
   * - the timeout of {@link close}
   * - the endpoint's `closeTimeout`, after the signal
   * - until the endpoint closes, after {@link Endpoint.drain} or in the shutdown of the endpoint's {@link Graceful}
   *
   * Rejects with the error of {@link ready} if listening failed. Never causes an unhandled rejection.
   */
  get closed(): Promise<void> {
    this.#loop.isObserved = true
    return this.#loop.closed
  }

  /**
   * Stops listening: new streams are refused, and acknowledged ones that no handler has taken are reset with code 0. Running handlers
   * continue. While the endpoint drains, handlers still take the acknowledged streams.
   *
   * Resolves like {@link closed}, but also if listening had failed. Idempotent. Do not await it in a handler, which it waits for.
   *
   * @param options `timeout`: how long to wait for running handlers, which continue afterwards. Default: the endpoint's `closeTimeout`,
   * 5 s. `signal`: ends the wait only.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  async close(options: TimeoutOptions = {}): Promise<void> {
    const timeout = timeoutOf(options, this.#endpoint.options.closeTimeout)
    throwIfAborted(options.signal)
    await abortable(this.#loop.close(timeout), options.signal)
  }

  /** Stops listening, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    listenerOf = (endpoint, settings) => new Listener(internal, endpoint, settings)
    listenedBy = (listener, by) => {
      listener.#loop.by = by
      return listener
    }
    inspectAs(this, self => `Listener(${self.protocols.map(protocol => JSON.stringify(protocol)).join(', ')})`)
  }
}

/** Takes streams and hands them to handlers, without a reference to the {@link Listener}. */
class ServeLoop {
  readonly #endpoint: EndpointState
  readonly #signal: AbortSignal | undefined
  readonly #handle: ListenerSettings['handle']
  readonly #handlers: RunningHandlers
  /** Undefined if listening failed. */
  #queue: StreamQueue | undefined
  /** Limit of the wait for handlers, from `close`. */
  #timeout: number | undefined
  /** Whether the program can learn of a failure. */
  isObserved = false
  /** Method that the program called. */
  by: ListenedBy = { method: 'listen' }
  readonly ready: Promise<void>
  readonly closed: Promise<void>

  constructor(endpoint: EndpointState, { served, handle, signal, onListening }: ListenerSettings) {
    this.#endpoint = endpoint
    this.#signal = signal
    this.#handle = handle
    this.#handlers = new RunningHandlers(endpoint)
    try {
      const { StreamQueue } = streamQueues()
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

  /** Stops listening. Resolves once {@link closed} has settled, after `timeout` milliseconds at the latest. */
  async close(timeout: number): Promise<void> {
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
