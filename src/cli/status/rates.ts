import type { PeerStatus, Snapshot } from './snapshot.js'

/** Bytes per second between two snapshots; `null` without an earlier one. */
export interface Rates {
  readonly sendRate: number | null
  readonly receiveRate: number | null
}

/** The rates of a peer. Its counters restart with a new connection. */
export function ratesOf(peer: PeerStatus, now: Snapshot, earlier: readonly Snapshot[]): Rates {
  const before = earlier.find(({ pid, id52 }) => pid === now.pid && id52 === now.id52)
  const seconds = before === undefined ? 0 : (now.time - before.time) / 1000
  if (before === undefined || seconds <= 0) return { sendRate: null, receiveRate: null }
  const old = before.peers.find(each => each.peer === peer.peer)
  const rate = (bytes: number, was = 0) => Math.round((bytes >= was ? bytes - was : bytes) / seconds)
  return {
    sendRate: rate(peer.bytesSent, old?.bytesSent),
    receiveRate: rate(peer.bytesReceived, old?.bytesReceived)
  }
}
