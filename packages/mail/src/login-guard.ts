import { setTimeout as delay } from 'node:timers/promises'

/** Wrong passwords after which further ones are refused for a while: of one user from one address, */
const maxFailures = 10
/** of all users from one address, except from this machine, whose programs share an address, */
const maxAddressFailures = 30
/** and of one user from all addresses. High, because it also keeps the user out. */
const maxUserFailures = 100
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
    const bounds = boundsOf(address, user)
    const isRefused = () => bounds.some(({ key, max }) => this.#recent(key).length >= max)
    if (isRefused()) {
      await delay(this.#delayMs)
      return 'busy'
    }
    if (this.#checks >= maxChecks) {
      if (this.#waiting.length >= maxWaiting) return 'busy'
      await new Promise<void>(enter => this.#waiting.push(enter))
    }
    this.#checks++
    try {
      // Those that waited for their turn may have been too many.
      if (isRefused()) return 'busy'
      const found = await check()
      if (found !== undefined) return found
      for (const { key } of bounds) this.#note(key)
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

function boundsOf(address: string, user: string): { key: string; max: number }[] {
  const isHere = address === '::1' || /^(::ffff:)?127\./.test(address)
  return [
    { key: `both ${address} ${user}`, max: maxFailures },
    { key: `address ${address}`, max: isHere ? Number.POSITIVE_INFINITY : maxAddressFailures },
    { key: `user ${user}`, max: maxUserFailures }
  ]
}
