/** Maximum delay of a timer. */
const maxDelay = 0x7fffffff

/** Calls a function at a time, which can change. Does not keep the process alive. */
export class Wake {
  readonly #call: () => void
  #timer: NodeJS.Timeout | undefined
  #isEnded = false

  constructor(call: () => void) {
    this.#call = call
  }

  /** Calls the function at this time instead, in milliseconds as from `Date.now()`. `Infinity`: never. */
  at(time: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isEnded || time === Number.POSITIVE_INFINITY) return
    const wait = Math.max(0, time - Date.now())
    const ring = wait > maxDelay ? () => this.at(time) : this.#call
    this.#timer = setTimeout(ring, Math.min(wait, maxDelay)).unref()
  }

  end(): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
  }
}
