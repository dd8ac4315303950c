import { native } from '../native/addon.js'
import type { BindingError } from '../native/binding-types.js'
import { outcomeOf } from '../native/operations.js'
import type { OnSendEnd } from './send-end-watch.js'
import type { StreamState } from './stream-state.js'

/** Tracks whether the peer acknowledges what a stream sent. Made on the first use of `closed`: most streams never need it. */
export class SendCompletion {
  readonly promise: Promise<void>
  readonly #state: StreamState
  #resolve!: () => void
  #reject!: (reason: unknown) => void
  // Until sending has ended.
  #onSendEnd: OnSendEnd | null = null

  /** `isWriting`: a waiting write handles a stop by the peer itself. */
  constructor(state: StreamState, isWriting: () => boolean) {
    this.#state = state
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // An unhandled rejection must not end the process.
    this.promise.catch(() => {})
    if (state.writeOver) this.#sendOver(state.writeError)
    else this.#watch(isWriting)
  }

  /** Rejects when the peer stops the sending half, even if no read or write waits. Does not keep the process alive. */
  #watch(isWriting: () => boolean): void {
    this.#onSendEnd = error => {
      if (!isWriting()) this.#fail(error)
    }
    this.#state.sendEnd.add(this.#onSendEnd)
    this.#state.onSendOver = error => this.#sendOver(error)
  }

  #sendOver(error: BindingError | null): void {
    this.#unwatch()
    if (error === null) this.#follow()
    else this.#fail(error)
  }

  /** Waits for the peer's acknowledgement, once everything is sent. */
  #follow(): void {
    const state = this.#state
    const { connection, id } = state
    const operation = native().streamDelivered(connection.endpoint.handle, connection.id, id)
    outcomeOf(operation, state.context('closed'), undefined, state).then(() => this.#resolve(), this.#reject)
  }

  #fail(error: BindingError): void {
    this.#reject(this.#state.error(error, 'closed'))
  }

  #unwatch(): void {
    if (this.#onSendEnd === null) return
    this.#state.sendEnd.remove(this.#onSendEnd)
    this.#onSendEnd = null
  }
}
