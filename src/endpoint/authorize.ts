import type { Protocol } from '../stream/protocol.js'
import type { OptionNames } from '../util/option-names.js'

/**
 * Asked before a peer may connect, and before it may use what is listened for. Only `true` lets it in: `false`, a failure, and an
 * answer that does not come in time refuse. A boolean that is returned costs less than a promise of one.
 *
 * An answer holds until {@link Access.reauthorize} asks again: for the peer's connection, and for a stream that waits in a queue.
 *
 * Waiting for an answer does not keep the process alive. Lists ({@link EndpointOptions.allow}, {@link EndpointOptions.deny}) come
 * first: who is not on them is not asked about.
 */
export interface Authorize {
  /**
   * May this peer connect? Asked once for each connection that it makes, before a ping on it is answered and a stream is looked at.
   * A refusal closes the connection, and the peer gets `ERR_UNAUTHORIZED`, which is not retried. Of a connection that this side
   * made it is asked when the peer first opens a stream on it; a refusal ends that stream and those after it, and nothing else.
   */
  peer?: ((id52: string) => boolean | Promise<boolean>) | undefined
  /**
   * May this peer open a stream of this protocol, which is listened for? Asked before the stream is acknowledged. A refusal ends
   * that stream alone, with `ERR_UNAUTHORIZED`; others do not wait for it.
   */
  stream?: ((id52: string, protocol: Protocol) => boolean | Promise<boolean>) | undefined
  /** How long an answer may take; then it is no. Default: 5 s. */
  timeout?: number | undefined
  /** Questions without an answer at one time. What comes above is refused, with `ERR_BUSY`. Default: 4,096. */
  pending?: number | undefined
  /** The share of one peer in them. Default: 1,024. */
  pendingPerPeer?: number | undefined
  /**
   * Told what `peer` or `stream` threw or rejected with, after the refusal. `protocol` is `null` where it was about the peer.
   * Default: a warning of the process, one for each code.
   */
  onError?: ((error: unknown, id52: string, protocol: Protocol | null) => unknown) | undefined
}

/** The names of {@link Authorize}. */
export const authorizeNames: OptionNames<Authorize> = {
  peer: true,
  stream: true,
  timeout: true,
  pending: true,
  pendingPerPeer: true,
  onError: true
}
