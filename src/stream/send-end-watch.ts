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

/** What a waiting watch refers to: itself, or itself as long as it is in memory. */
interface Reference {
  deref(): SendEndWatch | undefined
}

/**
 * Notices that the peer stopped a sending half, or left, even if no read or write waits. Keeps the stream in memory while it has a
 * listener, except a weak one, but not the process alive. All listeners must be removed once the half has ended: the wake word then
 * belongs to another stream.
 */
export class SendEndWatch implements Reference {
  readonly #stream: WatchedStream
  readonly #listeners = new Set<OnSendEnd>()
  #weakListener: OnSendEnd | null = null
  #isRunning = false

  constructor(stream: WatchedStream) {
    this.#stream = stream
  }

  /** May call the listener before it returns. */
  add(listener: OnSendEnd): void {
    this.#listeners.add(listener)
    // A watch that waits weakly must now keep the stream in memory.
    if (this.#listeners.size === 1) this.#resume()
  }

  remove(listener: OnSendEnd): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#wake()
  }

  /** Adds the one listener that does not keep the stream in memory, or replaces it. `null` removes it. */
  setWeak(listener: OnSendEnd | null): void {
    if (this.#weakListener === listener) return
    this.#weakListener = listener
    if (listener === null) this.#wake()
    else if (!this.#isRunning) this.#resume()
  }

  deref(): SendEndWatch {
    return this
  }

  /** What the next wait refers to; `null` if there is nothing to wait for. */
  step(): Reference | null {
    const reference = this.#poll()
    this.#isRunning = reference !== null
    return reference
  }

  #poll(): Reference | null {
    while (this.#listeners.size > 0 || this.#weakListener !== null) {
      const result = native().streamSendEnded(this.#stream.handle)
      if (answerOf(result) === FAILED) this.#notify(this.#stream.settleFailed(result))
      else return this.#listeners.size > 0 ? this : new WeakRef(this)
    }
    return null
  }

  #resume(): void {
    if (this.#isRunning) this.#wake()
    else void run(this.#stream.handle, this.step())
  }

  #wake(): void {
    if (this.#isRunning) wake(wakeWord(this.#stream.handle, 3))
  }

  #notify(error: BindingError): void {
    const listeners = [...this.#listeners]
    if (this.#weakListener !== null) listeners.push(this.#weakListener)
    this.#listeners.clear()
    this.#weakListener = null
    for (const listener of listeners) listener(error)
  }
}

// Not a method: while this waits, nothing but the reference may lead to the watch.
async function run(handle: number, reference: Reference | null): Promise<void> {
  while (reference !== null) {
    await waitForWake(wakeWord(handle, 3), undefined, never)
    reference = stepOf(reference)
  }
}

function stepOf(reference: Reference): Reference | null {
  return reference.deref()?.step() ?? null
}
