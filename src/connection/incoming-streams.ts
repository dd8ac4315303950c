import type { ProtocolInput } from '../stream/protocol.js'
import type { EndpointState } from './endpoint-state.js'
import { Listener } from './listener.js'
import type { PeerStream } from './peer-stream.js'

/**
 * Incoming streams, to be taken in a loop. It serves its protocols from the call that made it on; leaving the loop, its signal,
 * or closing the endpoint ends it, and what still waits is refused. One of a single connection also ends when that connection
 * does, after the streams that arrived before.
 *
 * Waiting for a stream keeps the process alive, unless the endpoint is unreferenced.
 */
export class IncomingStreams implements AsyncIterableIterator<PeerStream>, AsyncDisposable {
  readonly #listener: Listener

  private constructor(listener: Listener) {
    this.#listener = listener
  }

  /** @internal */
  static of(
    endpoint: EndpointState,
    protocols: ProtocolInput | readonly ProtocolInput[],
    connection?: number,
    signal?: AbortSignal
  ): IncomingStreams {
    const list = Array.isArray(protocols) ? (protocols as readonly ProtocolInput[]) : [protocols as ProtocolInput]
    const served = { protocols: list, otherwise: false }
    const listener = new Listener(endpoint, connection === undefined ? served : { ...served, connection }, signal)
    return new IncomingStreams(listener)
  }

  /** The next stream. Several calls may wait at once. */
  async next(): Promise<IteratorResult<PeerStream, undefined>> {
    for (;;) {
      const stream = this.#listener.take()
      if (stream === null) return { done: true, value: undefined }
      if (stream !== undefined) return { done: false, value: stream }
      await this.#listener.wait()
    }
  }

  /** Ends it: the protocols are free for another, calls of {@link next} that wait see the end. */
  async return(): Promise<IteratorResult<PeerStream, undefined>> {
    this.#listener.close()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close()
  }
}
