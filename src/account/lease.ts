import { FastnNetError } from '../errors.js'
import { idOfOne } from '../keys/peer.js'
import { PublicKey } from '../keys/public-key.js'
import type { SecretKey } from '../keys/secret-key.js'
import { checkOptions, invalid, type OptionNames } from '../util/validate.js'
import { checkScope } from './check.js'
import type { LeaseScope } from './data.js'

/** Claims of a lease: a device acts for an account. */
export interface LeaseClaims {
  /** ID52 of the device. */
  readonly device: string
  /** ID52 of the account. */
  readonly account: string
  /** Permissions of the device. */
  readonly scope: LeaseScope
  /** Start of validity, in seconds since 1970. */
  readonly from: number
  /** End of validity, in seconds since 1970. */
  readonly until: number
}

/** A lease, signed by the account's key. Plain JSON. */
export interface Lease extends LeaseClaims {
  /** Ed25519 signature of the other members by the account's key, as 128 lower-case hex digits. */
  readonly signature: string
}

/** Longest lease, in seconds: 31 days. */
export const maxLeaseSeconds: number = 31 * 24 * 60 * 60

/** Tolerated clock skew, in seconds. */
export const clockSkew = 60

const leaseNames: OptionNames<Lease> = {
  device: true,
  account: true,
  scope: true,
  from: true,
  until: true,
  signature: true
}

/** The bytes that an account signs: docs/wire.md. */
function signedBytes({ account, device, from, until, scope }: LeaseClaims): Uint8Array {
  // Printable ASCII without quotes and backslashes: every JSON library writes the same bytes.
  return new TextEncoder().encode(`fastn-lease-1\n${JSON.stringify([account, device, from, until, scope])}`)
}

/** Signs a lease with the account's key. */
export function signLease(key: SecretKey, claims: Omit<LeaseClaims, 'account'>): Lease {
  const { device, scope, from, until } = claims
  const lease = { device, account: key.id52, scope, from, until }
  return { ...lease, signature: Buffer.from(key.sign(signedBytes(lease))).toString('hex') }
}

/**
 * Checks the form and the signature of an untrusted lease, and returns it. Does not check expiry.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is malformed. `ERR_UNAUTHORIZED` if the account did not sign it.
 *
 * @example
 * const { account, device, scope, until } = verifyLease(JSON.parse(text))
 */
export function verifyLease(lease: Lease): Lease {
  const { device, account, scope, from, until, signature } = checkOptions(lease, leaseNames, 'lease', 'a lease')
  const checked: LeaseClaims = {
    device: idOfLease(device, 'lease.device'),
    account: idOfLease(account, 'lease.account'),
    scope: checkScope(scope, 'lease.scope'),
    from: seconds(from, 'lease.from'),
    until: seconds(until, 'lease.until')
  }
  if (!(checked.from < checked.until && checked.until - checked.from <= maxLeaseSeconds))
    throw invalid('lease.until', `after lease.from, by at most ${maxLeaseSeconds} s`)
  if (typeof signature !== 'string' || !/^[\da-f]{128}$/.test(signature))
    throw invalid('lease.signature', '128 lower-case hex digits')
  const signed = PublicKey.from(checked.account).verify(signedBytes(checked), Buffer.from(signature, 'hex'))
  if (!signed) throw new FastnNetError('ERR_UNAUTHORIZED', 'the lease is not signed by its account')
  return { ...checked, signature }
}

/** Whether a lease is valid at this time, in milliseconds. */
export function isCurrent({ from, until }: LeaseClaims, now: number): boolean {
  return now >= (from - clockSkew) * 1_000 && now < until * 1_000
}

/** An ID52 in canonical form, so that the signed bytes are unique. */
function idOfLease(id52: string, path: string): string {
  const found = typeof id52 === 'string' ? idOfOne(id52, path) : undefined
  if (found !== id52) throw invalid(path, 'an ID52 in lower case')
  return found
}

function seconds(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(path, 'seconds since 1970')
}
