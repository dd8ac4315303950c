/** Bounds the bytes of messages in memory. Work above the bound waits in FIFO order; a larger message runs alone. */
export class ByteBudget {
  readonly #max: number
  #used = 0
  readonly #waiting: { bytes: number; enter: () => void }[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** Runs work once this many bytes are available. */
  async run<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    const share = Math.min(bytes, this.#max)
    if (this.#waiting.length > 0 || this.#used + share > this.#max) {
      await new Promise<void>(enter => this.#waiting.push({ bytes: share, enter }))
    } else this.#used += share
    try {
      return await work()
    } finally {
      this.#used -= share
      for (let next = this.#waiting[0]; next && this.#used + next.bytes <= this.#max; next = this.#waiting[0]) {
        this.#waiting.shift()
        this.#used += next.bytes
        next.enter()
      }
    }
  }
}
