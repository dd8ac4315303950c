import type { Protocol } from '../stream/protocol.js'
import type { OptionNames } from '../util/validate.js'

/**
 * Callbacks that authorize incoming connections and streams. Only `true` authorizes: `false`, an error and a timeout reject. Returning
 * a boolean is cheaper than returning a promise.
 *
 * A result holds for the life of the connection or stream, until {@link Access.reauthorize}. The lists {@link EndpointOptions.allow} and
 * {@link EndpointOptions.deny} are checked first. Pending callbacks do not keep the process alive.
 *
 * Must be a plain object, like all options: to use a class instance, pass `{ peer: id52 => policy.peer(id52) }`.
 *
 * @example
 * await getEndpoint(secretKey, { authorize: { peer: id52 => database.isMember(id52) } })
 */
export interface Authorize {
  /**
   * Authorizes a peer. Called once per incoming connection, before any ping is answered or stream is read. A rejection closes the
   * connection; the peer gets `ERR_UNAUTHORIZED` and does not retry.
   *
   * On an outgoing connection it is called when the peer first opens a stream. A rejection then ends that and later streams only.
   *
   * Default: every peer is authorized.
   */
  peer?: ((id52: string) => boolean | Promise<boolean>) | undefined
  /**
   * Authorizes a stream, before it is acknowledged. Called for protocols with a listener only. A rejection ends that stream with
   * `ERR_UNAUTHORIZED`. Other streams do not wait for the result. Default: every stream is authorized.
   *
   * `protocol` is a string wherever a string means it: `protocol === 'Echo'`. For other values, use {@link Protocol.equals}.
   */
  stream?: ((id52: string, protocol: Protocol) => boolean | Promise<boolean>) | undefined
  /** Timeout of a callback in milliseconds; then it rejects. Default: 5 s. */
  timeout?: number | undefined
  /** Pending callbacks of all peers. More are refused with `ERR_BUSY`. Default: 4,096. */
  maxPending?: number | undefined
  /** Pending callbacks per peer. Default: 1,024. */
  maxPendingPerPeer?: number | undefined
  /**
   * Receives what `peer` or `stream` threw or rejected with, after the rejection. `protocol` is `null` for `peer`.
   * Default: a process warning, once per error code.
   */
  onError?: ((error: unknown, id52: string, protocol: Protocol | null) => unknown) | undefined
}

/** Names of {@link Authorize}. */
export const authorizeNames: OptionNames<Authorize> = {
  peer: true,
  stream: true,
  timeout: true,
  maxPending: true,
  maxPendingPerPeer: true,
  onError: true
}
