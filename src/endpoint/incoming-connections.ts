import { type Connection, connectionOf } from '../connection/connection.js'
import { IncomingQueue, nextOf, type Takes } from '../connection/incoming-queue.js'
import { native } from '../native/addon.js'
import { FAILED, PENDING } from '../native/binding.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { warnDropped } from '../util/warn.js'

/** @internal */
export let incomingConnectionsOf: (endpoint: EndpointState, signal?: AbortSignal) => IncomingConnections

/**
 * Connections that peers make, to be taken in a loop. It takes them from the call that made it on; leaving the loop, its signal,
 * or closing the endpoint ends it.
 *
 * Waiting keeps the process alive, unless the endpoint is unreferenced.
 */
export class IncomingConnections implements AsyncIterableIterator<Connection>, AsyncDisposable {
  readonly #queue: ConnectionQueue
  readonly #wrap: (handle: number) => Connection

  private constructor(key: typeof internal, endpoint: EndpointState, signal: AbortSignal | undefined) {
    checkConstructor(key, 'endpoint.accept()')
    const open = () => native().endpointIncoming(endpoint.handle)
    this.#queue = new ConnectionQueue({ phase: 'accept', signal, endpoint, open, onDropped })
    this.#wrap = handle => connectionOf(endpoint, handle)
  }

  /** The next connection. Several calls may wait at once. */
  next(): Promise<IteratorResult<Connection, undefined>> {
    return nextOf(this.#queue, this.#wrap)
  }

  /** Ends it: connections are accepted no longer for this loop's sake, those that are there stay. */
  async return(): Promise<IteratorResult<Connection, undefined>> {
    this.#queue.close()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.close()
  }

  static {
    incomingConnectionsOf = (endpoint, signal) => new IncomingConnections(internal, endpoint, signal)
  }
}

class ConnectionQueue extends IncomingQueue implements Takes<number> {
  take(): number | null | undefined {
    if (this.handle === FAILED) return null
    const taken = native().incomingTake(this.handle)
    if (taken >= 0) return taken
    return taken === PENDING ? undefined : this.failed()
  }
}

/** Cleans up after a loop that was collected while it accepted connections. */
function onDropped(handle: number): void {
  const waiting = native().incomingTake(handle)
  // The loop had ended on its own: nothing is lost.
  if (waiting === FAILED) return
  if (waiting >= 0) native().handleRelease(waiting)
  warnDropped('a loop over connections', 'accept')
}
