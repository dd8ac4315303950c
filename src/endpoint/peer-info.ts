import type { ConnectionPath, ConnectionStats } from '../connection/connection-info.js'
import type { FastnNetError } from '../errors.js'

/** How it stands with a peer. A snapshot: nothing in it changes later. */
export interface PeerInfo {
  /** ID52 of the peer. */
  readonly id52: string
  /**
   * False only in {@link Endpoint.watch}, once: the endpoint has let the peer go, because nothing is or was wanted of it for
   * `idleTimeout`, or because the endpoint closes. A peer that comes back is told as any other.
   */
  readonly known: boolean
  /**
   * `'connected'`: there is a connection for new streams; `'dialling'`: one is being made; `'backing-off'`: the last dial failed,
   * and the next comes after `nextRetry`; `'idle'`: none, and nobody asks for one.
   */
  readonly state: 'idle' | 'dialling' | 'connected' | 'backing-off'
  /** Whether it is kept connected. */
  readonly kept: boolean
  /** Dials that failed since there was a connection, or since somebody asked for one. */
  readonly attempts: number
  /** Why the last dial failed, or the last connection was lost; `null` while there is a connection, or when nothing failed. */
  readonly lastError: FastnNetError | null
  /** Milliseconds from this snapshot to the next dial; `null` unless it is `'backing-off'`. */
  readonly nextRetry: number | null
  /** Its live connections, the one for new streams first: mostly one, for a short time two, none without a connection. */
  readonly connections: readonly PeerConnection[]
}

/** One of a peer's connections, as part of a {@link PeerInfo}. */
export interface PeerConnection {
  /** What was agreed on to speak. */
  readonly alpn: string
  /** Whether this side dialled it. */
  readonly dialled: boolean
  /** Whether new streams go over it. */
  readonly preferred: boolean
  /** The ways its packets can take: direct or through a relay, with round-trip time. */
  readonly paths: readonly ConnectionPath[]
  /** Bytes, datagrams and streams. */
  readonly stats: ConnectionStats
}
