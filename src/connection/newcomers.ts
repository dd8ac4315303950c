import { park, wakeWord } from '../native/wakeups.js'
import type { EndpointState } from './endpoint-state.js'

/** Waiting for what peers begin. All who wait at the same time share one promise. */
export class Newcomers {
  readonly #endpoint: EndpointState
  #waiting: Promise<void> | null = null

  constructor(endpoint: EndpointState) {
    this.#endpoint = endpoint
  }

  /** Waits until another try is worth it. Keeps the process alive while the endpoint is referenced. */
  wait(handle: number): Promise<void> {
    if (this.#waiting === null) {
      this.#endpoint.beginWaiting()
      this.#waiting = park(wakeWord(handle, 0), undefined, false).then(this.#woken)
    }
    return this.#waiting
  }

  readonly #woken = () => {
    this.#waiting = null
    this.#endpoint.endWaiting()
  }
}
