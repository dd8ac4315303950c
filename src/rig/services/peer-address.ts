import type { Account } from '../../account/account.js'
import { isName } from '../../account/names.js'
import type { Peer } from '../../keys/peer.js'

/**
 * Where a peer is that a configuration names. An account knows its peers by name, and where they were when they were invited: without look-up,
 * an ID52 alone leads nowhere.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown name.
 */
export function addressOf(peer: Peer, account: Account | undefined): Peer {
  if (account === undefined || typeof peer !== 'string') return peer
  if (isName(peer)) return account.peer(peer)
  return Object.values(account.data.aliases).find(({ id52 }) => id52 === peer) ?? peer
}
