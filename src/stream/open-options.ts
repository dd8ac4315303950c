import type { OptionNames } from '../util/option-names.js'

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
