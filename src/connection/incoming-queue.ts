import { FAILED, native } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { unpark, wakeWord } from '../native/wakeups.js'
import { throwIfAborted } from '../util/validate.js'

const droppedSources = new FinalizationRegistry<{ handle: number; dropped: (handle: number) => void }>(
  ({ handle, dropped }) => {
    dropped(handle)
    native().handleRelease(handle)
  }
)

/** What a loop takes from: a native handle, until the loop is left, its signal is aborted, or there is no more to come. */
export class Source {
  /** `FAILED` once it is closed. */
  handle: number = FAILED
  readonly #phase: string
  readonly #signal: AbortSignal | undefined
  readonly #aborted: () => void

  /**
   * A signal that is aborted, now or later, is no failure: it closes this, or calls `aborted` where that is given.
   *
   * @param open gives the handle; not called when the signal is aborted already.
   * @param dropped called when this is collected unclosed, before the handle is released. Must not refer to this.
   */
  constructor(
    phase: string,
    signal: AbortSignal | undefined,
    open: () => number,
    aborted: () => void = () => this.close(),
    dropped: (handle: number) => void = () => {}
  ) {
    this.#phase = phase
    this.#signal = signal
    this.#aborted = aborted
    if (signal?.aborted === true) return
    throwIfAborted(signal)
    this.handle = open()
    if (this.handle === FAILED) throw lastFailure({ phase })
    droppedSources.register(this, { handle: this.handle, dropped }, this)
    signal?.addEventListener('abort', aborted, { once: true })
  }

  /** Lets go; whoever waits finds out. Idempotent. */
  close(): void {
    if (this.handle === FAILED) return
    const { handle } = this
    this.handle = FAILED
    this.#signal?.removeEventListener('abort', this.#aborted)
    droppedSources.unregister(this)
    native().handleRelease(handle)
    unpark(wakeWord(handle, 0))
  }

  /** What to do when taking failed: closes, and throws what was more than the end. */
  failed(): void {
    const error = lastFailure({ phase: this.#phase })
    this.close()
    if (error.code !== 'ERR_CLOSED') throw error
  }
}
