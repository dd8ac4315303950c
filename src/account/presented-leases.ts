import { FastnNetError } from '../errors.js'
import { isCurrent, type Lease, type LeaseClaims, maxLeaseSeconds } from './lease.js'

/** Leases, and ends of leases, that are kept for one account. */
const maxOfAccount = 32
/** Leases of all accounts. */
const maxTotal = 10_000

/** The leases that devices of other accounts have shown. Kept in memory: a device shows its lease again. */
export class PresentedLeases {
  readonly #leases = new Map<string, LeaseClaims>()
  /** Devices whose lease their account has ended, and when, in milliseconds; by account. */
  readonly #ended = new Map<string, Map<string, number>>()

  /** All leases that are valid now. */
  current(now: number): LeaseClaims[] {
    return [...this.#leases.values()].filter(lease => isCurrent(lease, now))
  }

  /** When the next lease expires, in milliseconds. `Infinity`: none does. */
  get nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { until } of this.#leases.values()) next = Math.min(next, until * 1_000)
    return next
  }

  /** Whether the device acts for an account. */
  of(device: string, now: number): LeaseClaims[] {
    return [...this.#leases.values()].filter(lease => lease.device === device && isCurrent(lease, now))
  }

  /**
   * Keeps a checked lease. Returns whether the rules change by it.
   *
   * @throws {FastnNetError} `ERR_UNAUTHORIZED` if it has expired, begins later, or was ended. `ERR_BUSY` without room.
   */
  add({ account, device, scope, from, until }: Lease, now: number): boolean {
    this.#prune(now)
    const key = `${account} ${device}`
    if (!isCurrent({ account, device, scope, from, until }, now))
      throw new FastnNetError('ERR_UNAUTHORIZED', 'the lease has expired, or begins later: compare the clocks')
    const ended = this.#ended.get(account)?.get(device)
    if (ended !== undefined && from * 1_000 <= ended)
      throw new FastnNetError('ERR_UNAUTHORIZED', 'the account has ended this lease')
    const before = this.#leases.get(key)
    if (before === undefined && this.#leases.size >= maxTotal)
      throw new FastnNetError('ERR_BUSY', 'too many devices show leases here: try again later')
    // Behind the others, so that the one that was shown longest ago makes room.
    this.#leases.delete(key)
    this.#leases.set(key, { account, device, scope, from, until })
    this.#makeRoom(account)
    return before === undefined || before.scope.toString() !== scope.toString() || !isCurrent(before, now)
  }

  /** Ends the lease of a device of a known account, and refuses those signed up to now. Returns whether there was one. */
  end(account: string, device: string, now: number): boolean {
    const of = this.#ended.get(account) ?? new Map<string, number>()
    of.delete(device)
    of.set(device, now)
    // An account that ends more makes room at its own cost.
    for (const oldest of of.keys()) if (of.size > maxOfAccount) of.delete(oldest)
    this.#ended.set(account, of)
    return this.#leases.delete(`${account} ${device}`)
  }

  #makeRoom(account: string): void {
    const own = [...this.#leases].filter(([, lease]) => lease.account === account)
    for (const [key] of own.slice(0, Math.max(0, own.length - maxOfAccount))) this.#leases.delete(key)
  }

  #prune(now: number): void {
    for (const [key, lease] of this.#leases) if (now >= lease.until * 1_000) this.#leases.delete(key)
    for (const [account, of] of this.#ended) {
      for (const [device, at] of of) if (now >= at + maxLeaseSeconds * 1_000) of.delete(device)
      if (of.size === 0) this.#ended.delete(account)
    }
  }
}
