import { addressOf, type Peer, parsePeer } from '../keys/peer.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { KnownPeer } from '../stream/opener.js'

/**
 * Returns the tracked peer, and starts tracking it if needed.
 *
 * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer.
 */
export function knownPeer(endpoint: EndpointState, peer: Peer): KnownPeer {
  if (typeof peer === 'string') return endpoint.known(peer) ?? endpoint.learn(peer, parsePeer(peer))
  const seen = endpoint.seen(peer)
  if (seen !== undefined) return seen
  const address = addressOf(peer, 'peer')
  // Passes changed addresses on: they may be new.
  const known = address.addresses.length + address.relays.length === 0 ? endpoint.known(address.id52) : undefined
  return endpoint.remember(peer, known ?? endpoint.learn(address.id52, address))
}
