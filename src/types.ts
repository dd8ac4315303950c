import { checkOptions, type OptionNames } from './util/validate.js'

/** Options of a call that can be cancelled. */
export interface CancelOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Options of a read into the caller's own buffer. */
export interface ReadIntoOptions extends CancelOptions {
  /** Where the bytes go: not empty, not shared, not detached. Leave it alone until the read settles. */
  into: Uint8Array
}

/** Options of reading lines. */
export interface LineOptions extends CancelOptions {
  /** Longest line in bytes, without its end. Default: the endpoint's `maxLineBytes`, 1 MiB. */
  maxBytes?: number | undefined
}

/** Options of a call with a time limit. */
export interface TimeoutOptions extends CancelOptions {
  /** Milliseconds. A fraction is rounded up, 0 means at once, `Infinity` means no limit. */
  timeout?: number | undefined
}

/** The names of {@link CancelOptions}. */
export const cancelNames: OptionNames<CancelOptions> = { signal: true }
/** The names of {@link ReadIntoOptions}. */
export const readNames: OptionNames<ReadIntoOptions> = { ...cancelNames, into: true }
/** The names of {@link LineOptions}. */
export const lineNames: OptionNames<LineOptions> = { ...cancelNames, maxBytes: true }
/** The names of {@link TimeoutOptions}. */
export const timeoutNames: OptionNames<TimeoutOptions> = { ...cancelNames, timeout: true }

/** The signal of a call that takes no other option. */
export function signalOf(options: CancelOptions): AbortSignal | undefined {
  return checkOptions(options, cancelNames).signal
}

/** How a stream is opened. */
export interface OpenOptions {
  /**
   * A line that is sent after the header. It is not part of the protocol: the acceptor must know that it comes, and reads it
   * as the stream's first line. Default: none.
   */
  extra?: string | undefined
  /** Cancels opening; what was opened is reset. The call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * `'now'` (the default) waits until the peer has taken the stream. `'later'` resolves as soon as the header is sent, which saves
   * a round trip: a refusal then rejects every waiting and later call on the stream, and so does an ack that has not come within
   * the endpoint's `ackTimeout` (`ERR_ACK_TIMEOUT`; the stream is reset). Where reading was stopped, nobody learns of the ack.
   */
  ack?: 'now' | 'later' | undefined
  /**
   * Whether a peer that was not reached is dialled again, and a stream that its peer has certainly not seen is sent again on
   * another connection: one without `extra` that was not acknowledged, and nothing was written to. `false`: one attempt.
   * Default: true. Of no effect on a connection's own streams.
   */
  retry?: boolean | undefined
  /**
   * All of it together, in milliseconds, then `ERR_UNREACHABLE`; where there is a connection, `ERR_TOO_MANY_STREAMS` or
   * `ERR_ACK_TIMEOUT`, by what was waited for. Default: the endpoint's `openTimeout`, 30 s.
   */
  timeout?: number | undefined
}

/** The names of {@link OpenOptions}. */
export const openNames: OptionNames<OpenOptions> = { extra: true, signal: true, ack: true, retry: true, timeout: true }

/**
 * How a peer is dialled. A dial that failed is followed by another one as long as somebody waits: a call within its own time, or
 * {@link Endpoint.keep}. The delay before it is a random part (full jitter) of what doubles with each failure. A peer that does not
 * let this key in, or speaks no protocol of this library, is not dialled again; nor is one whose address nothing tells.
 */
export interface ConnectOptions {
  /** How often one call dials again after its first dial failed; 0: never. Default: as often as its time allows. */
  retries?: number | undefined
  /** The longest delay behind the first failure, in milliseconds. Default: 100. */
  minDelay?: number | undefined
  /** The longest delay of all, in milliseconds. Default: 30 s. */
  maxDelay?: number | undefined
  /** One dial, in milliseconds. Default: 10 s. */
  attemptTimeout?: number | undefined
}

/** The names of {@link ConnectOptions}. */
export const connectNames: OptionNames<ConnectOptions> = {
  retries: true,
  minDelay: true,
  maxDelay: true,
  attemptTimeout: true
}

/** One way that packets of a connection can take. */
export interface ConnectionPath {
  /** `address:port`, or the relay's URL. */
  readonly address: string
  /** Whether it goes through a relay. */
  readonly relay: boolean
  /** Whether it is the one in use. */
  readonly selected: boolean
  /** Round-trip time in milliseconds. */
  readonly rtt: number
}

/** Counters since a connection was made. */
export interface ConnectionStats {
  /** Bytes of UDP payload. */
  readonly bytesSent: number
  /** Bytes of UDP payload. */
  readonly bytesReceived: number
  /** UDP datagrams. */
  readonly datagramsSent: number
  /** UDP datagrams. */
  readonly datagramsReceived: number
  /** QUIC packets. */
  readonly lostPackets: number
  /** Streams and held views. */
  readonly streams: number
}

/** How a connection ended. */
export interface ConnectionClosed {
  /** The close code, a bigint where it is above 2^53 - 1; 0 when there was none. */
  readonly code: number | bigint
  /** What was said, or what happened. Control characters of the peer's text are escaped: `\n`, `\u{1b}`. */
  readonly reason: string
  /** Who ended it: this side, the peer, or neither. */
  readonly by: 'local' | 'peer' | 'network'
}
