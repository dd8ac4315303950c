import type { Clock, Timer } from 'fastn-mail'

/** A clock whose time a test moves. */
export class FakeClock implements Clock {
  #now = 1_800_000_000_000
  #elapsed = 0
  readonly #timers = new Set<{ at: number; call: () => void }>()

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#elapsed
  }

  after(delay: number, call: () => void): Timer {
    const timer = { at: this.#elapsed + delay, call }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Lets time pass, from timer to timer. After each, waits for what it began. */
  async pass(time: number, idle: () => Promise<void>): Promise<void> {
    const end = this.#elapsed + time
    for (;;) {
      const [next] = [...this.#timers].sort((one, other) => one.at - other.at)
      const to = Math.min(end, next?.at ?? end)
      this.#now += Math.max(0, to - this.#elapsed)
      this.#elapsed = Math.max(this.#elapsed, to)
      if (next === undefined || next.at > end) return
      this.#timers.delete(next)
      next.call()
      await idle()
    }
  }

  /** Sets the wall clock, while no time passes. */
  jump(by: number): void {
    this.#now += by
  }
}
