import { FastnNetError } from '../errors.js'
import { checkOptions, invalid, type OptionNames, positive, stringArray } from '../util/validate.js'
import { type AccountData, type AccountDraft, type Alias, bounds, type StoredInvitation } from './data.js'
import { checkName, freeName } from './names.js'
import { hashOf, isSecret } from './ticket.js'

/** Options of {@link Account.invite}. */
export interface InviteOptions {
  /** Local alias for the peer; not the name of a group. If another peer has it, `name-2`, `name-3` and so on. */
  name: string
  /** Groups of this account that the peer joins, which must exist. Default: none. */
  groups?: readonly string[] | undefined
  /** How many peers may redeem it, at most 10,000. Default: 1. */
  uses?: number | undefined
  /** Validity in milliseconds, at most 366 days. Default: 7 days. */
  expiresIn?: number | undefined
}

/** Result of {@link Account.invite}. */
export interface Invitation {
  /** The invitation as text, for {@link Account.redeem} at the peer. Contains a secret: send it over a trusted channel. */
  readonly text: string
  /** ID of the invitation: the key in {@link AccountData.invitations}, for {@link Account.revokeInvitation}. */
  readonly id: string
  /** When it expires, in milliseconds as from `Date.now()`. */
  readonly until: number
}

const inviteNames: OptionNames<InviteOptions> = { name: true, groups: true, uses: true, expiresIn: true }

const day = 24 * 60 * 60 * 1_000

/** Checks the options of an invitation. */
export function newInvitation(options: InviteOptions, data: AccountData, now: number): StoredInvitation {
  const { name, groups, uses = 1, expiresIn = 7 * day } = checkOptions(options, inviteNames)
  if (positive(uses, 'options.uses') > bounds.uses) throw invalid('options.uses', `at most ${bounds.uses}`)
  if (typeof expiresIn !== 'number' || !(expiresIn > 0 && expiresIn <= 366 * day))
    throw invalid('options.expiresIn', 'a number of milliseconds, above 0 and at most 366 days')
  return {
    name: peerName(name, data),
    groups: knownGroups(groups, data),
    uses,
    until: now + expiresIn,
    redeemed: []
  }
}

/** Checks a name for a peer, which no group may have. */
export function peerName(name: unknown, { groups }: AccountData): string {
  const checked = checkName(name, 'options.name')
  if (!Object.hasOwn(groups, checked)) return checked
  throw invalid('options.name', `another name than '${checked}', which is a group of this account`)
}

/** Checks names of groups that must exist. */
export function knownGroups(groups: readonly string[] | undefined, data: AccountData): string[] {
  return stringArray(groups, 'options.groups').map(group => {
    if (Object.hasOwn(data.groups, group)) return group
    throw invalid('options.groups', `of groups of this account; there is no '${group}'`)
  })
}

/** Whether a new peer can redeem the invitation. */
export function isOpen({ uses, until }: StoredInvitation, now: number): boolean {
  return uses > 0 && now < until
}

/** Removes expired invitations. Returns whether any were removed. */
export function pruneInvitations(draft: AccountDraft, now: number): boolean {
  const expired = Object.entries(draft.invitations).filter(([, { until }]) => now >= until)
  for (const [hash] of expired) delete draft.invitations[hash]
  return expired.length > 0
}

/**
 * Records a peer that presents a secret: adds its alias and groups, and consumes one use. No-op if a known peer has redeemed it before,
 * because its first answer may have been lost. Refuses a peer that was forgotten since.
 *
 * @throws {FastnNetError} `ERR_UNAUTHORIZED` for an unknown, expired or used secret.
 */
export function acceptRedemption(draft: AccountDraft, secret: unknown, peer: Alias, now: number): void {
  const hash = isSecret(secret) ? hashOf(secret) : ''
  const invitation = Object.hasOwn(draft.invitations, hash) ? draft.invitations[hash] : undefined
  const hasRedeemed = invitation?.redeemed.includes(peer.id52) === true
  if (hasRedeemed && Object.values(draft.aliases).some(({ id52 }) => id52 === peer.id52)) return
  if (invitation === undefined || hasRedeemed || !isOpen(invitation, now))
    throw new FastnNetError(
      'ERR_UNAUTHORIZED',
      'the invitation is unknown, used, revoked or expired: ask for a new one'
    )
  record(draft, invitation.name, peer, invitation.groups)
  const { redeemed, uses } = invitation
  draft.invitations[hash] = { ...invitation, uses: uses - 1, redeemed: [...redeemed, peer.id52] }
}

/** Records a peer under an alias, and adds it to existing groups. Returns the alias; a known peer keeps its own. */
export function record(draft: AccountDraft, name: string, peer: Alias, groups: readonly string[]): string {
  const known = Object.entries(draft.aliases).find(([, { id52 }]) => id52 === peer.id52)?.[0]
  const isTaken = (each: string) => Object.hasOwn(draft.aliases, each) || Object.hasOwn(draft.groups, each)
  const alias = known ?? freeName(name, isTaken)
  draft.aliases[alias] = peer
  for (const group of groups) {
    const members = Object.hasOwn(draft.groups, group) ? draft.groups[group] : undefined
    if (members !== undefined && !members.includes(alias)) members.push(alias)
  }
  return alias
}
