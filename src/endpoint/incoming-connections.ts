import { Connection } from '../connection/connection.js'
import type { EndpointState } from '../connection/endpoint-state.js'
import { Source } from '../connection/incoming-queue.js'
import { Newcomers } from '../connection/newcomers.js'
import { FAILED, native, PENDING } from '../native/binding.js'
import { warnDropped } from '../util/warn.js'

/**
 * Connections that peers make, to be taken in a loop. It takes them from the call that made it on; leaving the loop, its signal,
 * or closing the endpoint ends it.
 *
 * Waiting keeps the process alive, unless the endpoint is unreferenced.
 */
export class IncomingConnections implements AsyncIterableIterator<Connection>, AsyncDisposable {
  readonly #endpoint: EndpointState
  readonly #source: Source
  readonly #newcomers: Newcomers

  private constructor(endpoint: EndpointState, signal: AbortSignal | undefined) {
    this.#endpoint = endpoint
    this.#newcomers = new Newcomers(endpoint)
    const open = () => native().endpointIncoming(endpoint.handle)
    this.#source = new Source('accept', signal, open, undefined, droppedLoop)
  }

  /** @internal */
  static of(endpoint: EndpointState, signal?: AbortSignal): IncomingConnections {
    return new IncomingConnections(endpoint, signal)
  }

  /** The next connection. Several calls may wait at once. */
  async next(): Promise<IteratorResult<Connection, undefined>> {
    for (;;) {
      const { handle } = this.#source
      if (handle === FAILED) return { done: true, value: undefined }
      const taken = native().incomingTake(handle)
      if (taken >= 0) return { done: false, value: Connection.of(this.#endpoint, taken) }
      if (taken === PENDING) await this.#newcomers.wait(handle)
      else this.#source.failed()
    }
  }

  /** Ends it: connections are accepted no longer for this loop's sake, those that are there stay. */
  async return(): Promise<IteratorResult<Connection, undefined>> {
    this.#source.close()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.close()
  }
}

/** What happens to a loop that is collected while it still takes connections. */
function droppedLoop(handle: number): void {
  const waiting = native().incomingTake(handle)
  // One that has ended by itself is over: dropping it loses nothing.
  if (waiting === FAILED) return
  if (waiting >= 0) native().handleRelease(waiting)
  warnDropped('a loop over connections', 'accept')
}
