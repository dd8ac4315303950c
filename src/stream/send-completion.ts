import { native } from '../native/addon.js'
import type { BindingError } from '../native/binding-types.js'
import { outcomeOf } from '../native/operations.js'
import type { StreamCore } from './core.js'
import type { OnSendEnd } from './send-end-watch.js'

/** Tracks whether the peer acknowledges what a stream sent. Made on the first use of `closed`: most streams never need it. */
export class SendCompletion {
  readonly promise: Promise<void>
  readonly #core: StreamCore
  #resolve!: () => void
  #reject!: (reason: unknown) => void
  #followed = false
  // Until sending has ended.
  #onSendEnd: OnSendEnd | null = null

  constructor(core: StreamCore) {
    this.#core = core
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Nobody has to handle the rejection.
    this.promise.catch(() => {})
    core.onFailure = error => {
      if (!this.#followed) this.fail(error)
    }
  }

  /**
   * Rejects when the peer stops the sending half, even if no read or write waits. `isWriting`: a waiting write handles the stop itself.
   * Does not keep the process alive.
   */
  watch(isWriting: () => boolean): void {
    this.#onSendEnd = error => {
      if (!isWriting()) this.fail(error)
    }
    this.#core.sendEnd.add(this.#onSendEnd)
  }

  /** Waits for the peer's acknowledgement, once everything is sent. */
  follow(): void {
    const { link, id, keepsAlive } = this.#core
    this.#followed = true
    this.#unwatch()
    const operation = native().streamAcknowledged(link.endpoint.handle, link.connection, id)
    outcomeOf(operation, this.#core.context('closed'), undefined, keepsAlive).then(() => this.#resolve(), this.#reject)
  }

  fail(error: BindingError): void {
    this.#unwatch()
    this.#reject(this.#core.error(error, 'closed'))
  }

  #unwatch(): void {
    if (this.#onSendEnd === null) return
    this.#core.sendEnd.remove(this.#onSendEnd)
    this.#onSendEnd = null
  }
}
