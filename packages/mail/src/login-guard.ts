import { setTimeout as delay } from 'node:timers/promises'

/** Wrong passwords in {@link windowMs} before further attempts are delayed: of one user from one address. */
const freeFailures = 10
/** The limit for all users from one address, except loopback, which all local programs share. */
const freeAddressFailures = 30
/** The limit for one user from all addresses, except those from which the user has logged in. */
const freeUserFailures = 100
/** How long a wrong password is counted, in milliseconds. */
const windowMs = 60_000
/** Maximum doublings of the delay. */
const maxDoublings = 3
/** Maximum concurrently delayed attempts per limit. */
const maxDelayed = 8
/** Maximum remembered addresses and users. */
const maxKeys = 10_000
/** Maximum concurrent password checks, which are CPU-intensive by design. */
const maxChecks = 4
/** Maximum queued checks. */
const maxWaiting = 64
/** Delay of the answer to a wrong password, and first delay of an attempt, in milliseconds. */
const failureDelayMs = 1000

/** A limit of wrong passwords. */
interface Bound {
  readonly key: string
  readonly free: number
}

/**
 * Limits password guessing. After many wrong passwords, all attempts are delayed, including correct ones, so that timing reveals nothing. An
 * attempt is refused only if too many are already being delayed.
 */
export class LoginGuard {
  readonly #failures = new Map<string, number[]>()
  readonly #delayed = new Map<string, number>()
  /** Addresses from which users have logged in. */
  readonly #known = new Set<string>()
  readonly #unitMs: number
  readonly #closing = new AbortController()
  #checks = 0
  readonly #waiting: (() => void)[] = []

  constructor(unitMs: number = failureDelayMs) {
    this.#unitMs = unitMs
  }

  /**
   * Checks a password. Returns `'busy'` without checking if too many attempts are being delayed or checked. A wrong password, for which the
   * check returns `undefined`, takes a second.
   */
  async check<Found>(
    address: string,
    user: string,
    check: () => Promise<Found | undefined>
  ): Promise<Found | 'busy' | undefined> {
    const both = `both ${address} ${user}`
    const bounds = this.#boundsOf(address, user, both)
    if (!(await this.#delay(bounds))) return 'busy'
    if (this.#checks >= maxChecks) {
      if (this.#waiting.length >= maxWaiting) return 'busy'
      await new Promise<void>(enter => this.#waiting.push(enter))
    }
    this.#checks++
    try {
      const found = await check()
      if (found !== undefined) {
        this.#remember(both)
        return found
      }
      for (const bound of bounds) this.#note(bound)
    } finally {
      this.#checks--
      this.#waiting.shift()?.()
    }
    await this.#pause(1)
    return undefined
  }

  /** Ends all delays: delayed attempts get `'busy'`. */
  close(): void {
    this.#closing.abort()
  }

  #boundsOf(address: string, user: string, both: string): Bound[] {
    const isHere = address === '::1' || /^(::ffff:)?127\./.test(address)
    return [
      { key: both, free: freeFailures },
      { key: `address ${address}`, free: isHere ? Number.POSITIVE_INFINITY : freeAddressFailures },
      { key: `user ${user}`, free: this.#known.has(both) ? Number.POSITIVE_INFINITY : freeUserFailures }
    ]
  }

  /** Delays an attempt according to earlier failures. Resolves to false if it is refused. */
  async #delay(bounds: readonly Bound[]): Promise<boolean> {
    const over = bounds.filter(bound => this.#excess(bound) >= 0)
    if (over.length === 0) return true
    if (over.some(({ key }) => (this.#delayed.get(key) ?? 0) >= maxDelayed)) {
      await this.#pause(1)
      return false
    }
    for (const { key } of over) this.#delayed.set(key, (this.#delayed.get(key) ?? 0) + 1)
    const most = Math.max(...over.map(bound => this.#excess(bound)))
    await this.#pause(2 ** Math.min(most, maxDoublings))
    for (const { key } of over) {
      const left = (this.#delayed.get(key) ?? 1) - 1
      if (left === 0) this.#delayed.delete(key)
      else this.#delayed.set(key, left)
    }
    return !this.#closing.signal.aborted
  }

  async #pause(units: number): Promise<void> {
    await delay(units * this.#unitMs, undefined, { signal: this.#closing.signal }).catch(() => {})
  }

  /** Recent failures above the limit; negative below it. */
  #excess({ key, free }: Bound): number {
    return this.#recent(key).length - free
  }

  #recent(key: string): number[] {
    const since = performance.now() - windowMs
    return (this.#failures.get(key) ?? []).filter(at => at > since)
  }

  #note({ key, free }: Bound): void {
    if (free === Number.POSITIVE_INFINITY) return
    // Further failures change nothing.
    const failures = [...this.#recent(key), performance.now()].slice(-free - maxDoublings)
    // Maps iterate in insertion order, so this evicts the oldest entry.
    this.#failures.delete(key)
    this.#failures.set(key, failures)
    if (this.#failures.size > maxKeys) this.#failures.delete(oldest(this.#failures))
  }

  #remember(both: string): void {
    this.#known.delete(both)
    this.#known.add(both)
    if (this.#known.size > maxKeys) this.#known.delete(oldest(this.#known))
  }
}

function oldest(keys: ReadonlyMap<string, unknown> | ReadonlySet<string>): string {
  const [first = ''] = keys.keys()
  return first
}
