import { FastnNetError } from '../errors.js'
import { isCurrent, type Lease, type LeaseClaims, maxLeaseSeconds } from './lease.js'

/** Maximum leases, and revocations of leases, per account. */
const maxOfAccount = 32
/** Maximum leases in all. */
const maxTotal = 10_000

/** The leases that devices of other accounts have presented. In memory only: a device presents its lease again after a restart. */
export class PresentedLeases {
  readonly #leases = new Map<string, LeaseClaims>()
  /** Time in milliseconds at which an account ended a device's lease, by account and device. */
  readonly #ended = new Map<string, Map<string, number>>()

  /** All leases that are valid now. */
  current(now: number): LeaseClaims[] {
    return [...this.#leases.values()].filter(lease => isCurrent(lease, now))
  }

  /** Expiry of the next lease, in milliseconds. `Infinity` without leases. */
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
   * Stores a checked lease. Returns whether it changes the rules.
   *
   * @throws {FastnNetError} `ERR_UNAUTHORIZED` if it has expired, is not yet valid, or was ended. `ERR_BUSY` if the limit is reached.
   */
  add({ account, device, scope, from, until }: Lease, now: number): boolean {
    this.#prune(now)
    const key = `${account} ${device}`
    if (!isCurrent({ account, device, scope, from, until }, now))
      throw new FastnNetError('ERR_UNAUTHORIZED', 'the lease has expired or is not yet valid: compare the clocks')
    const ended = this.#ended.get(account)?.get(device)
    if (ended !== undefined && from * 1_000 <= ended)
      throw new FastnNetError('ERR_UNAUTHORIZED', 'the account has ended this lease')
    const before = this.#leases.get(key)
    if (before === undefined && this.#leases.size >= maxTotal)
      throw new FastnNetError('ERR_BUSY', 'too many devices have presented leases: try again later')
    // Insert last, so that eviction starts with the lease presented longest ago.
    this.#leases.delete(key)
    this.#leases.set(key, { account, device, scope, from, until })
    this.#makeRoom(account)
    return before === undefined || before.scope.toString() !== scope.toString() || !isCurrent(before, now)
  }

  /** Ends the lease of a device of a known account, and refuses leases signed before now. Returns whether one existed. */
  end(account: string, device: string, now: number): boolean {
    const of = this.#ended.get(account) ?? new Map<string, number>()
    of.delete(device)
    of.set(device, now)
    // An account that ends more evicts its own entries.
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
