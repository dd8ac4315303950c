import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { outcomeOf } from '../native/operations.js'
import { waitForWake, wake, wakeWord } from '../native/wakeups.js'
import type { StreamCore } from './core.js'

/** Whether what a stream sent has arrived: made when somebody asks, for most do not. */
export class SendCompletion {
  readonly promise: Promise<void>
  readonly #core: StreamCore
  #resolve!: () => void
  #reject!: (reason: unknown) => void
  #followed = false
  // From the first ask to the end of sending.
  #watched = true

  constructor(core: StreamCore) {
    this.#core = core
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Asking without waiting for the answer must not end the process.
    this.promise.catch(() => {})
    core.onFailure = error => {
      // An end that the peer's QUIC has is not the peer's yet: without its acknowledgement nobody there took it.
      if (!this.#followed || error.code === 'ERR_ACK_TIMEOUT') this.fail(error)
    }
  }

  /**
   * Rejects when the peer ends sending, also while nobody reads or writes. `isWriting`: a write that waits hears of the end itself,
   * and decides. Does not keep the process alive.
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

  /** All is sent: from now on the peer's acknowledgement decides. */
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
