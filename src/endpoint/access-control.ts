import type { Protocol } from '../errors.js'
import { idOfOne, idsOf, idsOfAll, type Peer, type Peers } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { outcomeOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { protocolText } from '../stream/protocol.js'
import { type CancelOptions, signalOf } from '../types.js'
import { checkOptions, type OptionNames, optional, throwIfAborted } from '../util/validate.js'
import { type Policy, type PolicyEffect, type PolicyRule, resolvePolicy } from './policy.js'

/** Access lists of an endpoint: ID52s, unordered. */
export interface AccessLists {
  /** Peers that may connect; `null` means all. */
  readonly allow: readonly string[] | null
  /** Peers that may not, even if `allow` lists them. */
  readonly deny: readonly string[]
}

/** Options of {@link Access.explain}. */
export interface ExplainOptions {
  /** Name of the service that the stream is for; the protocol is then its kind, as in {@link PolicyRule.protocol}. Default: none. */
  service?: string | undefined
}

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

const listNames: OptionNames<AccessLists> = { allow: true, deny: true }
const explainNames: OptionNames<ExplainOptions> = { service: true }

/** What {@link Access} does. */
export class AccessControl {
  readonly #endpoint: EndpointState
  /** As it was given. */
  policy: Policy | null

  constructor(endpoint: EndpointState, policy: Policy | null) {
    this.#endpoint = endpoint
    this.policy = policy
  }

  allow(peers: Peer | Peers): void {
    this.#check(native().endpointAccessAllow(this.#endpoint.handle, idsOf(peers, 'peers')))
  }

  deny(peers: Peer | Peers): void {
    const ids = idsOf(peers, 'peers')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointAccessDeny(this.#endpoint.handle, ids))
  }

  set(lists: { allow?: Peers | null | undefined; deny?: Peers | undefined }): void {
    const { allow: allowed, deny: denied } = checkOptions(lists, listNames, 'lists', '{ allow, deny }')
    const now = this.lists
    const allow = allowed === undefined ? now.allow : allowed === null ? null : idsOfAll(allowed, 'lists.allow')
    const deny = denied === undefined ? now.deny : idsOfAll(denied, 'lists.deny')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointAccessSet(this.#endpoint.handle, { allow: allow && [...allow], deny: [...deny] }))
  }

  get lists(): AccessLists {
    const lists = native().endpointAccess(this.#endpoint.handle)
    if (lists === null) throw lastFailure({ phase: 'access' })
    return lists
  }

  setPolicy(policy: Policy | null): void {
    const binding = policy === null ? null : resolvePolicy(policy, 'policy')
    this.#endpoint.putBackPrefetched()
    this.#check(native().endpointPolicySet(this.#endpoint.handle, binding))
    this.policy = policy && { ...policy, rules: [...policy.rules] }
  }

  explain(peer: Peer, protocol: Protocol, options: ExplainOptions): AccessDecision {
    const { service } = checkOptions(options, explainNames)
    const id52 = idOfOne(peer, 'peer')
    const name = optional('string', service, 'options.service') ?? null
    const decision = native().endpointAccessExplain(this.#endpoint.handle, id52, protocolText(protocol), name)
    if (decision === null) throw lastFailure({ phase: 'access' })
    const { by } = decision
    const index = decision.rule ?? undefined
    const rule = index === undefined ? undefined : this.policy?.rules[index]
    const effects = {
      nothing: 'ask',
      otherwise: this.policy?.otherwise,
      rule: rule?.effect,
      deny: 'deny',
      allow: 'deny'
    } as const
    return { effect: effects[by] ?? 'deny', by, rule, index }
  }

  async reauthorize(options: CancelOptions): Promise<void> {
    const signal = signalOf(options)
    throwIfAborted(signal)
    this.#endpoint.checkOpen('access')
    this.#endpoint.putBackPrefetched()
    await outcomeOf(native().endpointReauthorize(this.#endpoint.handle), { phase: 'access' }, signal)
  }

  #check(result: number): void {
    if (result === FAILED) throw lastFailure({ phase: 'access' })
  }
}
