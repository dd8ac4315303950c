import { IncomingQueue } from '../connection/incoming-queue.js'
import { stepsOf, type TakeQueue } from '../connection/queue-steps.js'
import type { Peer } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingPeerInfo } from '../native/binding-types.js'
import { failure, lastFailure } from '../native/failure.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type CancelOptions, type PeerInfo, signalOf } from '../types.js'
import { throwIfAborted } from '../util/validate.js'
import { KeptPeer } from './kept-peer.js'
import { type KeepConnected, keepConnectedOf, type PeerChanges, peerChangesOf } from './peers.js'
import { trackedPeer } from './tracked-peer.js'

/** See {@link Endpoint.peers}. */
export function peersOf(endpoint: EndpointState): readonly PeerInfo[] {
  const peers = native().endpointPeers(endpoint.handle)
  if (peers === null) throw lastFailure({ phase: 'peers' })
  return peers.map(peerInfo)
}

/** See {@link Endpoint.watch}. */
export function watchPeers(endpoint: EndpointState, options: CancelOptions): PeerChanges {
  const open = () => native().endpointWatch(endpoint.handle)
  // Without an endpoint, waiting does not keep the process alive: an observer is no reason to run.
  const queue = new ChangeQueue({ phase: 'watch', signal: signalOf(options), endpoint: null, open })
  return peerChangesOf(stepsOf(queue, peerInfo))
}

/** See {@link Endpoint.keep}. */
export function keepPeer(endpoint: EndpointState, peer: Peer, options: CancelOptions): KeepConnected {
  throwIfAborted(signalOf(options))
  const { handle: tracked, id52 } = trackedPeer(endpoint, peer)
  const handle = native().peerKeep(tracked)
  if (handle === FAILED) throw lastFailure({ peer: id52, phase: 'keep' })
  return keepConnectedOf(new KeptPeer(handle, id52, options.signal))
}

class ChangeQueue extends IncomingQueue implements TakeQueue<BindingPeerInfo> {
  take(): BindingPeerInfo | null | undefined {
    if (this.handle === FAILED) return null
    const taken = native().watchTake(this.handle)
    return taken === null ? this.failed() : taken[0]
  }
}

/** Converts a peer snapshot of the binding. */
function peerInfo(info: BindingPeerInfo): PeerInfo {
  const { id52, lastError } = info
  return { ...info, lastError: lastError === null ? null : failure(lastError, { peer: id52, phase: 'connect' }) }
}
