import type { Protocol } from '../stream/protocol.js'
import type { TimeoutOptions } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import type { ListenedBy, ServeLoop } from './serve-loop.js'

/** @internal */
export let listenerOf: (loop: ServeLoop) => Listener

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
  readonly #loop: ServeLoop
  /** Protocols that have a handler, in the order in which they were given. */
  readonly protocols: readonly Protocol[]

  private constructor(key: typeof internal, loop: ServeLoop) {
    checkConstructor(key, 'endpoint.listen()')
    this.#loop = loop
    this.protocols = loop.protocols
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
    await this.#loop.close(options)
  }

  /** Stops listening, like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    listenerOf = loop => new Listener(internal, loop)
    listenedBy = (listener, by) => {
      listener.#loop.by = by
      return listener
    }
    inspectAs(this, self => `Listener(${self.protocols.map(protocol => JSON.stringify(protocol)).join(', ')})`)
  }
}
