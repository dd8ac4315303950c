import type { Account } from '../../account/index.js'
import { FastnNetError } from '../../index.js'

/** An invitation of an account, for display. */
export interface ShownInvitation {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  /** How many peers may still accept it. */
  readonly uses: number
  /** Expiry, in milliseconds since 1970. */
  readonly until: number
  /** Peers that accepted it, with their aliases. */
  readonly accepted: readonly { readonly peer: string; readonly alias: string | null }[]
}

/** Characters of a short invitation ID. */
export const shortId = 12
const idPattern = /^[\da-f]{8,64}$/

/** The invitations of an account, sorted by expiry. Accepted ones stay until they expire. */
export function shownInvitations({ data }: Account): ShownInvitation[] {
  const aliases = new Map(Object.entries(data.aliases).map(([alias, { id52 }]) => [id52, alias]))
  const shown = Object.entries(data.invitations).map(([id, { name, groups, uses, until, redeemed }]) => {
    const accepted = redeemed.map(peer => ({ peer, alias: aliases.get(peer) ?? null }))
    return { id, name, groups, uses, until, accepted }
  })
  return shown.sort((a, b) => a.until - b.until)
}

/**
 * Revokes the invitations of a name, or the one with an ID prefix.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if none matches, or the prefix is ambiguous.
 */
export async function revokeInvitations(
  account: Account,
  named: string
): Promise<{ readonly id: string; readonly name: string }[]> {
  const all = Object.entries(account.data.invitations).map(([id, { name }]) => ({ id, name }))
  const ofName = all.filter(({ name }) => name === named)
  const ofId = idPattern.test(named) ? all.filter(({ id }) => id.startsWith(named)) : []
  if (ofName.length === 0 && ofId.length > 1)
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `${ofId.length} invitations have an id that begins with ${named}`)
  const found = ofName.length > 0 ? ofName : ofId
  if (found.length === 0) {
    const advice = 'see fastn-net rig invitations. To remove a peer that accepted one: fastn-net rig forget'
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `the account has no invitation '${named}': ${advice}`)
  }
  const revoked = await Promise.all(found.map(async each => ((await account.revokeInvitation(each.id)) ? [each] : [])))
  return revoked.flat()
}
