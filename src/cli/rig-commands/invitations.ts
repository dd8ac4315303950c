import type { Account } from '../../account/index.js'
import { FastnNetError } from '../../index.js'

/** An invitation of an account, as commands show it. */
export interface ShownInvitation {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  /** How many peers may still accept it. */
  readonly uses: number
  /** When it expires, in milliseconds since 1970. */
  readonly until: number
  /** Peers that have accepted it, and what the account calls them. */
  readonly accepted: readonly { readonly peer: string; readonly alias: string | null }[]
}

/** Characters of an id that name an invitation. */
export const shortId = 12
const idPattern = /^[\da-f]{8,64}$/

/** The invitations of an account, the first to expire first. Those that were accepted stay until they expire. */
export function shownInvitations({ data }: Account): ShownInvitation[] {
  const aliases = new Map(Object.entries(data.aliases).map(([alias, { id52 }]) => [id52, alias]))
  const shown = Object.entries(data.invitations).map(([id, { name, groups, uses, until, redeemed }]) => {
    const accepted = redeemed.map(peer => ({ peer, alias: aliases.get(peer) ?? null }))
    return { id, name, groups, uses, until, accepted }
  })
  return shown.sort((a, b) => a.until - b.until)
}

/**
 * Revokes the invitations of a name, or the one with this beginning of its id.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if there is none, or several ids begin like that.
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
    const advice = 'fastn-net rig invitations lists them. A peer that has accepted one is ended by fastn-net rig forget'
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `the account has no invitation '${named}': ${advice}`)
  }
  const revoked = await Promise.all(found.map(async each => ((await account.revokeInvitation(each.id)) ? [each] : [])))
  return revoked.flat()
}
