import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { waitForWake, wake, wakeWord } from '../native/wakeups.js'

/** Called once, with the reason. */
export type OnSendEnd = (error: BindingError) => void

/**
 * Notices that the peer stopped a sending half, or left, even if no read or write waits. Keeps the stream in memory while it has a
 * listener, but not the process alive. All listeners must be removed once the half has ended: the wake word then belongs to another
 * stream.
 */
export class SendEndWatch {
  readonly #handle: number
  readonly #listeners = new Set<OnSendEnd>()
  #isRunning = false

  constructor(handle: number) {
    this.#handle = handle
  }

  add(listener: OnSendEnd): void {
    this.#listeners.add(listener)
    if (!this.#isRunning) void this.#run()
  }

  remove(listener: OnSendEnd): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) wake(wakeWord(this.#handle, 3))
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#listeners.size > 0) {
      if (native().streamSendEnded(this.#handle) === FAILED) this.#notify(native().takeError())
      else await waitForWake(wakeWord(this.#handle, 3), undefined, false)
    }
    this.#isRunning = false
  }

  #notify(error: BindingError): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener(error)
  }
}
