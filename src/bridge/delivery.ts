import { type BindingError, native } from '../native.js'
import { outcomeOf } from './operation.js'
import type { StreamCore } from './stream-core.js'

/** Whether what a stream sent has arrived: made when somebody asks, for most do not. */
export class Delivery {
  readonly promise: Promise<void>
  readonly #core: StreamCore
  #resolve!: () => void
  #reject!: (reason: unknown) => void
  #followed = false

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

  /** All is sent: from now on the peer's acknowledgement decides. */
  follow(): void {
    const { link, id } = this.#core
    this.#followed = true
    const operation = native().streamAcknowledged(link.endpoint.handle, link.connection, id)
    outcomeOf(operation, this.#core.context('closed')).then(() => this.#resolve(), this.#reject)
  }

  fail(error: BindingError): void {
    this.#reject(this.#core.error(error, 'closed'))
  }
}
