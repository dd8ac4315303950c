import { Endpoint } from '../endpoint/endpoint.js'
import { SecretKey } from '../keys/secret-key.js'
import { checkOptions, checkSignal, invalid, type OptionNames, timeLimit } from '../util/validate.js'
import { maxLeaseSeconds } from './lease.js'
import type { AccountStore } from './store.js'

/** How a call to another account waits. */
export interface CallSettings {
  /** Time until the answer, in milliseconds. Default: 10 s. */
  timeout?: number | undefined
  /** Ends the wait, which rejects with its reason. */
  signal?: AbortSignal | undefined
}

/** Options of {@link openAccount}. */
export interface AccountOptions {
  /** Where the account is kept: {@link fileStore}, {@link memoryStore}, or a store of the program. */
  store: AccountStore
  /** Key of the endpoint, which signs the leases of devices. Default: none; the account then has no devices. */
  key?: SecretKey | undefined
  /**
   * How long a lease is valid, in milliseconds: how long a removed device can still use other peers that were not told. At least 1 minute,
   * at most 31 days. Default: 1 hour.
   */
  leaseTime?: number | undefined
}

/** Options of {@link Account.redeem}. */
export interface RedeemOptions extends CallSettings {
  /** Alias of the peer that invites, here, and no group. If another peer has it, `name-2`, `name-3` and so on. */
  name: string
  /** Groups of this account that the peer joins, which must exist. Default: none. */
  groups?: readonly string[] | undefined
}

const callNames: OptionNames<CallSettings> = { timeout: true, signal: true }
const accountNames: OptionNames<AccountOptions> = { store: true, key: true, leaseTime: true }

const hour = 60 * 60 * 1_000

/** Checks how a call waits. */
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
