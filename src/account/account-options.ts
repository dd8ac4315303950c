import { Endpoint } from '../endpoint/endpoint.js'
import { SecretKey } from '../keys/secret-key.js'
import { checkOptions, checkSignal, invalid, type OptionNames, timeLimit } from '../util/validate.js'
import { maxLeaseSeconds } from './lease.js'
import type { AccountStore } from './store.js'

/** Timeout and signal of a call to another account. */
export interface CallSettings {
  /** Time until the answer, in milliseconds. Default: 10 s. */
  timeout?: number | undefined
  /** Cancels the call, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of {@link openAccount}. */
export interface AccountOptions {
  /** Storage of the account: {@link fileStore}, {@link memoryStore}, or a custom store. */
  store: AccountStore
  /** Key of the endpoint, for signing leases of devices. Default: none; the account then has no devices. */
  key?: SecretKey | undefined
  /**
   * Validity of a lease, in milliseconds. A removed device can use peers that were not notified until its lease expires. At least 1 minute,
   * at most 31 days. Default: 1 hour.
   */
  leaseTime?: number | undefined
}

/** Options of {@link Account.redeem}. */
export interface RedeemOptions extends CallSettings {
  /** Local alias for the inviting peer; not the name of a group. If another peer has it, `name-2`, `name-3` and so on. */
  name: string
  /** Groups of this account that the peer joins, which must exist. Default: none. */
  groups?: readonly string[] | undefined
}

const callNames: OptionNames<CallSettings> = { timeout: true, signal: true }
const accountNames: OptionNames<AccountOptions> = { store: true, key: true, leaseTime: true }

const hour = 60 * 60 * 1_000

/** Checks the options of a call. */
export function callSettings(settings: CallSettings): { timeout: number; signal: AbortSignal | undefined } {
  const { timeout = 10_000, signal } = checkOptions(settings, callNames)
  return { timeout: timeLimit(timeout, 'options.timeout'), signal: checkSignal(signal) }
}

/** Checked options with defaults filled in. */
export interface ResolvedAccount {
  readonly store: AccountStore
  readonly key: SecretKey | undefined
  readonly leaseTime: number
}

/** Checks the options of {@link openAccount}. */
export function resolveOptions(endpoint: Endpoint, options: AccountOptions): ResolvedAccount {
  if (!(endpoint instanceof Endpoint)) throw invalid('endpoint', 'an endpoint, as createEndpoint() returns it')
  const { store, key, leaseTime = hour } = checkOptions(options, accountNames, 'options', '{ store }')
  const isStore = (['open', 'save', 'close'] as const).every(
    name => typeof (store as Partial<AccountStore> | undefined)?.[name] === 'function'
  )
  if (!isStore) throw invalid('options.store', 'fileStore(path), memoryStore(), or an object with open, save and close')
  if (key !== undefined && !(key instanceof SecretKey && key.id52 === endpoint.id52))
    throw invalid('options.key', "the endpoint's own SecretKey")
  if (typeof leaseTime !== 'number' || !(leaseTime >= 60_000 && leaseTime <= maxLeaseSeconds * 1_000))
    throw invalid('options.leaseTime', 'a number of milliseconds from 1 minute to 31 days')
  return { store, key, leaseTime }
}
