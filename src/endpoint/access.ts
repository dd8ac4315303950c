import type { Protocol } from '../errors.js'
import { idOfOne, idsOf, idsOfAll, type Peer, type Peers } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { outcomeOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { protocolText } from '../stream/protocol.js'
import { type CancelOptions, signalOf } from '../types.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { checkOptions, type OptionNames, optional, throwIfAborted } from '../util/validate.js'
import { type Policy, type PolicyEffect, type PolicyRule, resolvePolicy } from './policy.js'

/** @internal */
export let accessOf: (endpoint: EndpointState, policy: Policy | null) => Access

/** Access lists of an endpoint: ID52s, unordered. */
export interface AccessLists {
  /** Peers that may connect; `null` means all. */
  readonly allow: readonly string[] | null
  /** Peers that may not, even if `allow` lists them. */
  readonly deny: readonly string[]
}

const listNames: OptionNames<AccessLists> = { allow: true, deny: true }

/** Options of {@link Access.explain}. */
export interface ExplainOptions {
  /** Name of the service that the stream is for; the protocol is then its kind, as in {@link PolicyRule.protocol}. Default: none. */
  service?: string | undefined
}

const explainNames: OptionNames<ExplainOptions> = { service: true }

/** Why a stream of a peer is accepted or refused: result of {@link Access.explain}. */
export interface AccessDecision {
  /** What happens to the stream. */
  readonly effect: PolicyEffect
  /**
   * What decides: the `'deny'` list, the `'allow'` list, which lacks the peer, a `'rule'` of the policy, its `'otherwise'`, or `'nothing'`,
   * because the lists admit the peer and there is no policy. The effect is then `'ask'`: accepted unless {@link Authorize.stream} refuses.
   */
  readonly by: 'deny' | 'allow' | 'rule' | 'otherwise' | 'nothing'
  /** The rule, as it was given. */
  readonly rule: PolicyRule | undefined
  /** Its index among the rules. */
  readonly index: number | undefined
}

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
  readonly #endpoint: EndpointState
  #policy: Policy | null

  private constructor(key: typeof internal, endpoint: EndpointState, policy: Policy | null) {
    checkConstructor(key, 'endpoint.access')
    this.#endpoint = endpoint
    this.#policy = policy
  }

  /**
   * Removes peers from the deny list, and adds them to the allow list if there is one.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
   */
  allow(peers: Peer | Peers): void {
    this.#check(native().endpointAccessAllow(this.#endpoint.handle, idsOf(peers, 'peers')))
  }

  /**
   * Adds peers to the deny list and disconnects them.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
   */
  deny(peers: Peer | Peers): void {
    const ids = idsOf(peers, 'peers')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointAccessDeny(this.#endpoint.handle, ids))
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
    const { allow: allowed, deny: denied } = checkOptions(lists, listNames, 'lists', '{ allow, deny }')
    const now = this.lists
    const allow = allowed === undefined ? now.allow : allowed === null ? null : idsOfAll(allowed, 'lists.allow')
    const deny = denied === undefined ? now.deny : idsOfAll(denied, 'lists.deny')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointAccessSet(this.#endpoint.handle, { allow: allow && [...allow], deny: [...deny] }))
  }

  /**
   * Snapshot of the lists.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
   */
  get lists(): AccessLists {
    const lists = native().endpointAccess(this.#endpoint.handle)
    if (lists === null) throw lastFailure({ phase: 'access' })
    return lists
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
    const binding = policy === null ? null : resolvePolicy(policy, 'policy')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointPolicySet(this.#endpoint.handle, binding))
    this.#policy = policy && { ...policy, rules: [...policy.rules] }
  }

  /** The policy, as it was given; `null` if there is none. */
  get policy(): Policy | null {
    return this.#policy
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
    const { service } = checkOptions(options, explainNames)
    const id52 = idOfOne(peer, 'peer')
    const name = optional('string', service, 'options.service') ?? null
    const decision = native().endpointAccessExplain(this.#endpoint.handle, id52, protocolText(protocol), name)
    if (decision === null) throw lastFailure({ phase: 'access' })
    const { by } = decision
    const index = decision.rule ?? undefined
    const rule = index === undefined ? undefined : this.#policy?.rules[index]
    const effects = {
      nothing: 'ask',
      otherwise: this.#policy?.otherwise,
      rule: rule?.effect,
      deny: 'deny',
      allow: 'deny'
    } as const
    return { effect: effects[by] ?? 'deny', by, rule, index }
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
    const signal = signalOf(options)
    throwIfAborted(signal)
    this.#endpoint.checkOpen('access')
    this.#endpoint.putBackPrefetched()
    await outcomeOf(native().endpointReauthorize(this.#endpoint.handle), { phase: 'access' }, signal)
  }

  #check(result: number): void {
    if (result === FAILED) throw lastFailure({ phase: 'access' })
  }

  static {
    accessOf = (endpoint, policy) => new Access(internal, endpoint, policy)
  }
}
