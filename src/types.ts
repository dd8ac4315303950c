import type { FastnNetError } from './errors.js'
import { checkOptions, type OptionNames, timeLimit } from './util/validate.js'

/** Options of a call that can be cancelled. */
export interface CancelOptions {
  /** Cancels the call. It rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of a read into the caller's buffer. */
export interface ReadIntoOptions extends CancelOptions {
  /** Destination buffer: not empty, shared or detached. Do not use it until the read settles. */
  into: Uint8Array
}

/** Options of reading lines. */
export interface LineOptions extends CancelOptions {
  /** Longest line, in bytes without `\n`. Default: the endpoint's `maxLineBytes`, 1 MiB. */
  maxBytes?: number | undefined
}

/** Options of reading everything up to EOF. */
export interface BodyOptions extends CancelOptions {
  /** Most bytes to read. Default: 16 MiB. */
  maxBytes?: number | undefined
}

/** Options of a call with a timeout. */
export interface TimeoutOptions extends CancelOptions {
  /** Timeout in milliseconds. Fractions are rounded up, 0 means without waiting, `Infinity` means none. */
  timeout?: number | undefined
}

/** Names of {@link CancelOptions}. */
export const cancelNames: OptionNames<CancelOptions> = { signal: true }
/** Names of {@link ReadIntoOptions}. */
export const readNames: OptionNames<ReadIntoOptions> = { ...cancelNames, into: true }
/** Names of {@link LineOptions}. */
export const lineNames: OptionNames<LineOptions> = { ...cancelNames, maxBytes: true }
/** Names of {@link BodyOptions}. */
export const bodyNames: OptionNames<BodyOptions> = { ...cancelNames, maxBytes: true }
/** Names of {@link TimeoutOptions}. */
export const timeoutNames: OptionNames<TimeoutOptions> = { ...cancelNames, timeout: true }

/** Checks {@link CancelOptions} and returns the signal. */
export function signalOf(options: CancelOptions): AbortSignal | undefined {
  return checkOptions(options, cancelNames).signal
}

/** Checks {@link TimeoutOptions} and returns the timeout. */
export function timeoutOf(options: TimeoutOptions, defaultTimeout: number): number {
  const { timeout } = checkOptions(options, timeoutNames)
  return timeout === undefined ? defaultTimeout : timeLimit(timeout, 'options.timeout')
}

/**
 * Options of opening a stream.
 *
 * - Without a connection, dials or joins a dial in progress, and retries with backoff until the timeout ({@link ConnectOptions}).
 * - Reaches a restarted peer that has the same key, at any address that it was given or last seen at.
 * - Reopens a stream that the peer cannot have seen. One that it may have seen fails with `ERR_CONNECTION_LOST`.
 *
 * Errors by cause:
 *
 * - arguments: `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`
 * - network: `ERR_UNREACHABLE`, whose message lists what was tried; `ERR_CONNECTION_LOST`; `ERR_ACK_TIMEOUT`
 * - refused by the peer: `ERR_PROTOCOL_UNSUPPORTED`, `ERR_UNAUTHORIZED`, `ERR_BUSY`, `ERR_SHUTTING_DOWN`, `ERR_TOO_MANY_STREAMS`,
 *   `ERR_HEADER_TOO_LARGE`, `ERR_HEADER_TIMEOUT`, `ERR_HEADER_INVALID`, or `ERR_REFUSED` with another `remoteCode`
 * - the peer's handler failed immediately: `ERR_STREAM_RESET` with `errorCode`
 * - this endpoint: `ERR_CLOSED`
 */
export interface OpenOptions {
  /**
   * Line sent after the header. The acceptor reads it as the stream's first line, so it must expect one. Default: none.
   */
  extra?: string | undefined
  /** Cancels opening and resets a stream already opened. The call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * When the call resolves:
   *
   * - `'now'` (default): once the peer has accepted the stream.
   * - `'later'`: once the header is sent, which saves a round trip. A refusal then rejects every pending and later call on the
   *   stream. So does an ack that does not arrive within the endpoint's `ackTimeout`: `ERR_ACK_TIMEOUT`, and the stream is reset.
   *   After {@link PeerStream.stop}, no call reports the ack.
   */
  ack?: 'now' | 'later' | undefined
  /**
   * Redial an unreachable peer, and reopen a stream that the peer cannot have seen: unacknowledged, without `extra`, and
   * nothing written to it. `false` makes one attempt. Default: true. No effect on {@link Connection.openBi}.
   */
  retry?: boolean | undefined
  /**
   * Timeout of the whole call, in milliseconds. Rejects with `ERR_UNREACHABLE`, or on a live connection with
   * `ERR_TOO_MANY_STREAMS` or `ERR_ACK_TIMEOUT`. With 0, only `ack: 'later'` on a live connection succeeds. Default: the endpoint's
   * `openTimeout`, 30 s.
   */
  timeout?: number | undefined
}

/** Names of {@link OpenOptions}. */
export const openNames: OptionNames<OpenOptions> = { extra: true, signal: true, ack: true, retry: true, timeout: true }

/**
 * Retry policy of dials. The endpoint redials while a call waits, within the call's timeout, or {@link Endpoint.keep} is active.
 * Exponential backoff with full jitter.
 *
 * Not retried: a peer that rejects this key, a peer that speaks none of this library's ALPNs, and a peer without a known address.
 */
export interface ConnectOptions {
  /** Redials per call after its first failed dial; 0 means none. Default: unlimited within the call's timeout. */
  retries?: number | undefined
  /**
   * Upper bound of the first delay, in milliseconds, at most `maxDelay`. It doubles with each failure. Default: 100, or `maxDelay` if
   * that is less.
   */
  minDelay?: number | undefined
  /** Upper bound of every delay, in milliseconds. Default: 30 s, or `minDelay` if that is more. */
  maxDelay?: number | undefined
  /** Timeout of one dial, in milliseconds. Handshakes that peers begin always have 10 s. Default: 10 s. */
  attemptTimeout?: number | undefined
}

/** Names of {@link ConnectOptions}. */
export const connectNames: OptionNames<ConnectOptions> = {
  retries: true,
  minDelay: true,
  maxDelay: true,
  attemptTimeout: true
}

/** Network path of a connection: direct or through a relay. */
export interface ConnectionPath {
  /** `address:port`, or the relay's URL. */
  readonly address: string
  /** Whether the path goes through a relay. */
  readonly relay: boolean
  /** Whether the connection currently uses this path. */
  readonly selected: boolean
  /** Round-trip time in milliseconds. */
  readonly rtt: number
}

/** Counters of a connection since it was established. */
export interface ConnectionStats {
  /** UDP payload bytes sent. */
  readonly bytesSent: number
  /** UDP payload bytes received. */
  readonly bytesReceived: number
  /** UDP datagrams sent. */
  readonly datagramsSent: number
  /** UDP datagrams received. */
  readonly datagramsReceived: number
  /** QUIC packets declared lost. */
  readonly lostPackets: number
  /** Open streams plus held {@link Connection} objects. */
  readonly streams: number
}

/** How a connection ended. */
export interface ConnectionClosed {
  /** Close code; 0 if there was none. A bigint above 2^53 - 1. */
  readonly code: number | bigint
  /** Reason from the closing side, or a description of the failure. Control characters are escaped: `\n`, `\u{1b}`. */
  readonly reason: string
  /** Who ended the connection: this side, the peer, or a network failure. */
  readonly by: 'local' | 'peer' | 'network'
}

/** Immutable snapshot of a peer. */
export interface PeerInfo {
  /** ID52 of the peer. */
  readonly id52: string
  /**
   * Whether the endpoint tracks the peer. False only in the last item of {@link Endpoint.watch} for a peer: it was unused for
   * `idleTimeout`, or the endpoint closes. The peer may be tracked again later.
   */
  readonly tracked: boolean
  /**
   * State of the peer:
   *
   * - `'connected'`: it has a connection for new streams
   * - `'dialling'`: a dial is in progress
   * - `'backing-off'`: the last dial failed, and the next starts after `nextRetry`
   * - `'idle'`: it has no connection, and no call needs one
   */
  readonly state: 'idle' | 'dialling' | 'connected' | 'backing-off'
  /** Whether {@link Endpoint.keep} is active. */
  readonly kept: boolean
  /** Failed dials since the last connection, or since a call first needed one. */
  readonly attempts: number
  /** Failure of the last dial or connection; `null` while connected, or if nothing failed. */
  readonly lastError: FastnNetError | null
  /** Milliseconds from this snapshot to the next dial; `null` unless the state is `'backing-off'`. */
  readonly nextRetry: number | null
  /** Live connections, the preferred one first. Usually one, briefly two. */
  readonly connections: readonly PeerConnection[]
}

/** A peer's connection in a {@link PeerInfo}. */
export interface PeerConnection {
  /** Negotiated ALPN. */
  readonly alpn: string
  /** Whether this side dialled the connection. */
  readonly dialled: boolean
  /** Whether new streams use this connection. */
  readonly preferred: boolean
  /** Known network paths, direct or through a relay. */
  readonly paths: readonly ConnectionPath[]
  /** Counters of bytes, datagrams and streams. */
  readonly stats: ConnectionStats
}
