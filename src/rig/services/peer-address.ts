import type { Account } from '../../account/account.js'
import { isName } from '../../account/names.js'
import type { Peer } from '../../keys/peer.js'

/**
 * Address of a peer in a configuration. For peers of the account, adds the addresses from the invitation, because an ID52 alone is not
 * enough without look-up.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown name.
 */
export function addressOf(peer: Peer, account: Account | undefined): Peer {
  if (account === undefined || typeof peer !== 'string') return peer
  if (isName(peer)) return account.peer(peer)
  return Object.values(account.data.aliases).find(({ id52 }) => id52 === peer) ?? peer
}
