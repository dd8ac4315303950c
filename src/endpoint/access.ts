import type { Protocol } from '../errors.js'
import type { Peer, Peers } from '../keys/peer.js'
import type { CancelOptions } from '../types.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import type { AccessControl, AccessDecision, AccessLists, ExplainOptions } from './access-control.js'
import type { Policy } from './policy.js'

/** @internal */
export let accessOf: (control: AccessControl) => Access

/**
 * Access lists and policy of an endpoint, which can change at any time. They apply to incoming connections and to the endpoint's listeners, not to
 * peers that this endpoint dials. Only a peer's key counts, not its addresses.
 *
 * The lists are checked before {@link Authorize} is called: an excluded peer costs one handshake. A peer that loses access is
 * disconnected immediately with `ERR_UNAUTHORIZED`. Its queued streams reach no handler and no loop. On a closed endpoint, the lists
 * can still be read and changed.
 *
 * @example
 * endpoint.access.deny(stream.remoteId52)
 */
export class Access {
  readonly #control: AccessControl

  private constructor(key: typeof internal, control: AccessControl) {
    checkConstructor(key, 'endpoint.access')
    this.#control = control
  }

  /**
   * Removes peers from the deny list, and adds them to the allow list if there is one.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
   */
  allow(peers: Peer | Peers): void {
    this.#control.allow(peers)
  }

  /**
   * Adds peers to the deny list and disconnects them.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
   */
  deny(peers: Peer | Peers): void {
    this.#control.deny(peers)
  }

  /**
   * Replaces the given lists; the other stays as it is. Disconnects peers that lose access, also those that this endpoint dialled. A dialled
   * peer that had none keeps its connection.
   *
   * @param lists `allow`: peers that may connect, `null` for all. `deny`: peers that may not.
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
   * `ERR_INVALID_ARGUMENT`.
   */
  set(lists: { allow?: Peers | null | undefined; deny?: Peers | undefined }): void {
    this.#control.set(lists)
  }

  /**
   * Snapshot of the lists.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
   */
  get lists(): AccessLists {
    return this.#control.lists
  }

  /**
   * Replaces the policy as a whole; `null`: none, and every stream is accepted. It decides before {@link Authorize} is called, in a time that
   * does not grow with its rules. It does not restrict which peers this endpoint dials. Pings are always answered.
   *
   * What the new policy does not allow ends at once:
   *
   * - Open streams, those of tunnels too, fail at the peer with `ERR_STREAM_RESET` (code 0x105), and here with `ERR_UNAUTHORIZED`.
   * - A peer that may use nothing is disconnected with `ERR_UNAUTHORIZED`, unless this endpoint dialled it.
   * - Queued streams reach no handler and no loop.
   *
   * Streams that a handler or loop took while there was no policy go on: give the first policy to {@link EndpointOptions.policy}.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer. `ERR_INVALID_ARGUMENT`, for a rule that no stream can match too. The
   * policy is then unchanged.
   *
   * @example
   * endpoint.access.setPolicy({
   *   rules: [
   *     { peers: friends, protocol: 'Chat', effect: 'allow' },
   *     { service: 'web', effect: { perSecond: 10 } }
   *   ]
   * })
   */
  setPolicy(policy: Policy | null): void {
    this.#control.setPolicy(policy)
  }

  /** The policy, as it was given; `null` if there is none. */
  get policy(): Policy | null {
    return this.#control.policy
  }

  /**
   * Tells what happens to a stream that a peer opens, and what decides that. Counts nothing. {@link Authorize} callbacks are not called.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED` if the endpoint was released after closing.
   *
   * @example
   * const { effect, by, rule } = endpoint.access.explain(id52, 'Tcp', { service: 'db' })
   */
  explain(peer: Peer, protocol: Protocol, options: ExplainOptions = {}): AccessDecision {
    return this.#control.explain(peer, protocol, options)
  }

  /**
   * Runs the {@link Authorize} callbacks again. Call it when their results have changed. No-op without `authorize`.
   *
   * - `peer` runs for each incoming connection, and for each outgoing one that it authorized before. A rejected peer is disconnected with
   *   `ERR_UNAUTHORIZED`.
   * - `stream` runs for each queued stream. A rejected stream fails at the peer with `ERR_UNAUTHORIZED`, or with `ERR_STREAM_RESET`
   *   (code 0) if it was already acknowledged. Streams that a handler or loop has taken are not checked.
   * - Queued streams wait for the new result. Results still pending from before the call are requested again.
   *
   * Resolves once all callbacks have settled. A callback beyond {@link Authorize.maxPending} waits up to {@link Authorize.timeout} for its
   * turn, then rejects. Keeps the process alive until it resolves.
   *
   * @param options `signal`: ends the wait, which rejects with its reason; reauthorization continues.
   * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * await database.revoke(id52)
   * await endpoint.access.reauthorize()
   */
  async reauthorize(options: CancelOptions = {}): Promise<void> {
    await this.#control.reauthorize(options)
  }

  static {
    accessOf = control => new Access(internal, control)
  }
}
