import type { BindingPeerInfo } from '../native/binding.js'
import { failure } from '../native/failure.js'
import type { PeerInfo } from './peer-info.js'

/** What the core tells of a peer, as users see it. */
export function peerInfo(info: BindingPeerInfo): PeerInfo {
  const { id52, lastError } = info
  return { ...info, lastError: lastError === null ? null : failure(lastError, { peer: id52, phase: 'connect' }) }
}
