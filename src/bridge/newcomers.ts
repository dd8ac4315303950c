import type { EndpointState } from './endpoint-state.js'
import { park, wakeWord } from './park.js'

/** Waiting for what peers begin. All who wait at the same time share one promise. */
export class Newcomers {
  readonly #endpoint: EndpointState
  #waiting: Promise<void> | null = null

  constructor(endpoint: EndpointState) {
    this.#endpoint = endpoint
  }

  /** Waits until another try is worth it. Keeps the process alive while the endpoint is referenced. */
  wait(handle: number): Promise<void> {
    this.#waiting ??= this.#park(handle)
    return this.#waiting
  }

  async #park(handle: number): Promise<void> {
    this.#endpoint.beginWaiting()
    try {
      await park(wakeWord(handle, 0), undefined, false)
    } finally {
      this.#waiting = null
      this.#endpoint.endWaiting()
    }
  }
}
