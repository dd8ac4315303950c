import { addressOf, type Peer, parsePeer } from '../keys/peer.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { TrackedPeer } from '../stream/opener.js'

/**
 * Returns the tracked peer, and starts tracking it if needed.
 *
 * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer.
 */
export function trackedPeer(endpoint: EndpointState, peer: Peer): TrackedPeer {
  if (typeof peer === 'string') return endpoint.trackedAs(peer) ?? endpoint.track(peer, parsePeer(peer))
  const seen = endpoint.seen(peer)
  if (seen !== undefined) return seen
  const address = addressOf(peer, 'peer')
  // Passes changed addresses on: they may be new.
  const known = address.addresses.length + address.relays.length === 0 ? endpoint.trackedAs(address.id52) : undefined
  return endpoint.remember(peer, known ?? endpoint.track(address.id52, address))
}
