import type { BindingError } from '../native/binding-types.js'
import { onConnectionEnd } from './connection-end.js'
import type { StreamCore } from './core.js'
import { defer } from './deferred/defer.js'
import type { ReadHalf } from './reader.js'
import type { WriteHalf } from './writer.js'

/** Signal that aborts when a stream fails, and never when it ends well. Made on the first use of `stream.signal`. */
export function signalOfStream(core: StreamCore, reader: ReadHalf, writer: WriteHalf): AbortSignal {
  const watch = new FailureWatch(core, reader, writer)
  if (watch.isWatching) watch.start()
  return watch.signal
}

class FailureWatch {
  readonly #core: StreamCore
  readonly #reader: ReadHalf
  readonly #writer: WriteHalf
  readonly #controller = new AbortController()
  readonly #onSendEnd = (error: BindingError) => this.#fail(this.#core.error(error, 'signal'))
  #cancel: (() => void) | undefined
  #isOver = false

  constructor(core: StreamCore, reader: ReadHalf, writer: WriteHalf) {
    this.#core = core
    this.#reader = reader
    this.#writer = writer
    const error = core.failure
    if (error !== null) this.#controller.abort(core.error(error, 'signal'))
    this.#isOver = error !== null || core.over
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isWatching(): boolean {
    return !this.#isOver
  }

  start(): void {
    const core = this.#core
    core.onHalfEnd = () => this.#look()
    this.#cancel = onConnectionEnd(core.connection, () => this.#connectionEnded())
    if (!core.writeOver) core.sendEnd.add(this.#onSendEnd)
    // Later, so that a header or an ack still travels with the first bytes.
    defer(() => {
      if (!this.#isOver) this.#reader.readAhead()
    })
  }

  #look(): void {
    const error = this.#core.failure
    if (error !== null) this.#fail(this.#core.error(error, 'signal'))
    else if (this.#core.over) this.#stop()
    else if (this.#core.writeOver) this.#core.sendEnd.remove(this.#onSendEnd)
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
    this.#core.onHalfEnd = null
    this.#core.sendEnd.remove(this.#onSendEnd)
    this.#cancel?.()
  }
}
