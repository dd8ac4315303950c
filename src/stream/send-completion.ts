import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { outcomeOf } from '../native/operations.js'
import { waitForWake, wake, wakeWord } from '../native/wakeups.js'
import type { StreamCore } from './core.js'

/** Tracks whether the peer acknowledges what a stream sent. Made on the first use of `closed`: most streams never need it. */
export class SendCompletion {
  readonly promise: Promise<void>
  readonly #core: StreamCore
  #resolve!: () => void
  #reject!: (reason: unknown) => void
  #followed = false
  // Until sending has ended.
  #watched = true

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
  async watch(isWriting: () => boolean): Promise<void> {
    const { handle } = this.#core
    while (this.#watched) {
      if (native().streamSendEnded(handle) === FAILED) {
        const error = native().takeError()
        this.#watched = false
        if (!isWriting()) this.fail(error)
      } else await waitForWake(wakeWord(handle, 3), undefined, false)
    }
  }

  /** Waits for the peer's acknowledgement, once everything is sent. */
  follow(): void {
    const { link, id } = this.#core
    this.#followed = true
    this.#unwatch()
    const operation = native().streamAcknowledged(link.endpoint.handle, link.connection, id)
    outcomeOf(operation, this.#core.context('closed')).then(() => this.#resolve(), this.#reject)
  }

  fail(error: BindingError): void {
    this.#unwatch()
    this.#reject(this.#core.error(error, 'closed'))
  }

  #unwatch(): void {
    if (!this.#watched) return
    this.#watched = false
    wake(wakeWord(this.#core.handle, 3))
  }
}
