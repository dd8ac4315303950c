import type { BindingError } from '../native/binding-types.js'
import { onConnectionEnd } from './connection-end.js'
import { defer } from './deferred/defer.js'
import type { ReadHalf } from './reader.js'
import type { StreamState } from './stream-state.js'
import type { WriteHalf } from './writer.js'

/** Signal that aborts when a stream fails, and never when it ends well. Made on the first use of `stream.signal`. */
export function signalOfStream(state: StreamState, reader: ReadHalf, writer: WriteHalf): AbortSignal {
  const watch = new FailureWatch(state, reader, writer)
  if (watch.isWatching) watch.start()
  return watch.signal
}

class FailureWatch {
  readonly #state: StreamState
  readonly #reader: ReadHalf
  readonly #writer: WriteHalf
  readonly #controller = new AbortController()
  readonly #onSendEnd = (error: BindingError) => this.#fail(this.#state.error(error, 'signal'))
  #cancel: (() => void) | undefined
  #isOver = false

  constructor(state: StreamState, reader: ReadHalf, writer: WriteHalf) {
    this.#state = state
    this.#reader = reader
    this.#writer = writer
    const error = state.failure
    if (error !== null) this.#controller.abort(state.error(error, 'signal'))
    this.#isOver = error !== null || state.over
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isWatching(): boolean {
    return !this.#isOver
  }

  start(): void {
    const state = this.#state
    state.onHalfEnd = () => this.#look()
    this.#cancel = onConnectionEnd(state.connection, () => this.#connectionEnded())
    if (!state.writeOver) state.sendEnd.add(this.#onSendEnd)
    // Later, so that a header or an ack still travels with the first bytes.
    defer(() => {
      if (!this.#isOver) this.#reader.readAhead()
    })
  }

  #look(): void {
    const error = this.#state.failure
    if (error !== null) this.#fail(this.#state.error(error, 'signal'))
    else if (this.#state.over) this.#stop()
    else if (this.#state.writeOver) this.#state.sendEnd.remove(this.#onSendEnd)
  }

  /** The stream has not failed if everything was sent and received before. */
  #connectionEnded(): void {
    if (this.#isOver) return
    try {
      this.#writer.checkEnd(true)
      this.#reader.checkEnd(true)
    } catch (error) {
      this.#fail(error)
    }
  }

  // Not at once: a listener of the signal may call the stream, which is in the middle of a call.
  #fail(reason: unknown): void {
    if (this.#isOver) return
    this.#stop()
    queueMicrotask(() => this.#controller.abort(reason))
  }

  #stop(): void {
    this.#isOver = true
    this.#state.onHalfEnd = null
    this.#state.sendEnd.remove(this.#onSendEnd)
    this.#cancel?.()
  }
}
