import { setTimeout as delay } from 'node:timers/promises'

/** Wrong passwords from one address, or for one user, after which further ones are refused for a while. */
const maxFailures = 10
/** How long a wrong password counts, in milliseconds. */
const windowMs = 60_000
/** Addresses and users that are remembered. */
const maxKeys = 10_000
/** Passwords that are checked at once, because a check costs CPU on purpose. */
const maxChecks = 4
/** Checks that wait. */
const maxWaiting = 64
/** How long the answer to a wrong password takes, in milliseconds. */
const failureDelayMs = 1000

/** Bounds the guessing of passwords. */
export class LoginGuard {
  readonly #failures = new Map<string, number[]>()
  readonly #delayMs: number
  #checks = 0
  readonly #waiting: (() => void)[] = []

  constructor(delayMs: number = failureDelayMs) {
    this.#delayMs = delayMs
  }

  /**
   * Runs the check of a password. Returns `'busy'` without checking if too many failed, or too many are being checked. A wrong password, for
   * which the check returns `undefined`, takes a second.
   */
  async check<Found>(
    address: string,
    user: string,
    check: () => Promise<Found | undefined>
  ): Promise<Found | 'busy' | undefined> {
    const keys = [`address ${address}`, `user ${user}`]
    if (keys.some(key => this.#recent(key).length >= maxFailures)) {
      await delay(this.#delayMs)
      return 'busy'
    }
    if (this.#checks >= maxChecks) {
      if (this.#waiting.length >= maxWaiting) return 'busy'
      await new Promise<void>(enter => this.#waiting.push(enter))
    }
    this.#checks++
    try {
      const found = await check()
      if (found !== undefined) return found
      for (const key of keys) this.#note(key)
    } finally {
      this.#checks--
      this.#waiting.shift()?.()
    }
    await delay(this.#delayMs)
    return undefined
  }

  #recent(key: string): number[] {
    const since = performance.now() - windowMs
    return (this.#failures.get(key) ?? []).filter(at => at > since)
  }

  #note(key: string): void {
    const failures = [...this.#recent(key), performance.now()]
    // The order of a map is that of insertion: the oldest is forgotten first.
    this.#failures.delete(key)
    this.#failures.set(key, failures)
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > maxKeys && oldest !== undefined) this.#failures.delete(oldest)
  }
}
