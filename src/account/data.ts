import type { PolicyEffect } from '../endpoint/policy.js'
import type { Protocol } from '../stream/protocol.js'

/** A peer that the account knows by a name. */
export interface Alias {
  /** ID52 of the peer. */
  readonly id52: string
  /** Socket addresses, `address:port`. Default: none; the network looks them up. */
  readonly addresses?: readonly string[] | undefined
  /** Relay URLs. Default: none. */
  readonly relays?: readonly string[] | undefined
}

/**
 * Subject of a rule: an alias, a group, an ID52, several of them, `'devices'` for the devices of the account itself, or `'everyone'`.
 *
 * A device that acts for a peer by a lease counts as that peer, within the scope of the lease.
 */
export type Who = 'everyone' | 'devices' | (string & Record<never, never>) | readonly string[]

/** A rule of an account. Of several rules that match a stream, the first decides. Without a match, the stream is refused. */
export interface AccountRule {
  /** Subject of the rule. */
  readonly who: Who
  /** The protocol, as in `PolicyRule.protocol`. Default: every protocol. */
  readonly protocol?: Protocol | undefined
  /** Name of a service, as in `PolicyRule.service`. Default: every stream. */
  readonly service?: string | undefined
  /** Effect on the stream. */
  readonly effect: PolicyEffect
}

/** A device of the account. */
export interface Device {
  /** Name of the device. */
  readonly name: string
  /** Its permissions at other peers, on behalf of the account: see {@link LeaseScope}. */
  readonly scope: LeaseScope
}

/**
 * Permissions of a device at other peers, on behalf of its account: `'*'`, or protocols and services that it may use there, such as
 * `['Chat', 'service:web']`. Printable ASCII without `"`, `\` and spaces.
 */
export type LeaseScope = '*' | readonly string[]

/** An invitation as stored by its account: the hash of the secret, not the secret. */
export interface StoredInvitation {
  /** Alias of the peer that redeems it. With several uses, the second gets `name-2`. */
  readonly name: string
  /** Groups that the peer joins. */
  readonly groups: readonly string[]
  /** How many peers may still redeem it. */
  readonly uses: number
  /** Expiry, in milliseconds as from `Date.now()`. */
  readonly until: number
  /** ID52s of the peers that redeemed it. */
  readonly redeemed: readonly string[]
}

/** Data of an account, as JSON. */
export interface AccountData {
  /** Peers by name. */
  readonly aliases: Readonly<Record<string, Alias>>
  /** Groups by name: aliases, other groups and ID52s. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** The rules, in order. */
  readonly rules: readonly AccountRule[]
  /** Devices of the account, by ID52. */
  readonly devices: Readonly<Record<string, Device>>
  /** Open invitations, by the SHA-256 of their secret in hex. */
  readonly invitations: Readonly<Record<string, StoredInvitation>>
}

/** {@link AccountData} to change: see {@link Account.update}. */
export interface AccountDraft {
  /** Peers by name. */
  aliases: Record<string, Alias>
  /** Groups by name: aliases, other groups and ID52s. */
  groups: Record<string, string[]>
  /** The rules, in order. */
  rules: AccountRule[]
  /** Devices of the account, by ID52. */
  devices: Record<string, Device>
  /** Open invitations, by the SHA-256 of their secret in hex. Make one with {@link Account.invite}. */
  invitations: Record<string, StoredInvitation>
}

/** Bounds of what an account keeps. */
export const bounds = {
  aliases: 100_000,
  groups: 10_000,
  members: 100_000,
  rules: 10_000,
  devices: 256,
  invitations: 10_000,
  uses: 10_000,
  scope: 64
} as const

/** An account that keeps nothing yet. */
export function emptyData(): AccountDraft {
  return { aliases: {}, groups: {}, rules: [], devices: {}, invitations: {} }
}
