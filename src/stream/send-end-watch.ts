import { native } from '../native/addon.js'
import { answerOf, FAILED } from '../native/binding.js'
import type { BindingError } from '../native/binding-types.js'
import { never, waitForWake, wake, wakeWord } from '../native/wakeups.js'

/** Called once, with the reason. */
export type OnSendEnd = (error: BindingError) => void

/** A stream whose sending half is watched. */
interface WatchedStream {
  readonly handle: number
  /** Records the halves that a failed native call left over. Returns its error. */
  settleFailed(result: number): BindingError
}

/**
 * Notices that the peer stopped a sending half, or left, even if no read or write waits. Keeps the stream in memory while it has a
 * listener, but not the process alive. All listeners must be removed once the half has ended: the wake word then belongs to another
 * stream.
 */
export class SendEndWatch {
  readonly #stream: WatchedStream
  readonly #listeners = new Set<OnSendEnd>()
  #isRunning = false

  constructor(stream: WatchedStream) {
    this.#stream = stream
  }

  add(listener: OnSendEnd): void {
    this.#listeners.add(listener)
    if (!this.#isRunning) void this.#run()
  }

  remove(listener: OnSendEnd): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) wake(wakeWord(this.#stream.handle, 3))
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { handle } = this.#stream
    while (this.#listeners.size > 0) {
      const result = native().streamSendEnded(handle)
      if (answerOf(result) === FAILED) this.#notify(this.#stream.settleFailed(result))
      else await waitForWake(wakeWord(handle, 3), undefined, never)
    }
    this.#isRunning = false
  }

  #notify(error: BindingError): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener(error)
  }
}
