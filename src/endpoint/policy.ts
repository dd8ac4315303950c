import { idsOfAll, type Peers } from '../keys/peer.js'
import type { BindingPolicy, BindingPolicyEffect, BindingPolicyRule } from '../native/binding-types.js'
import { type Protocol, protocolText } from '../stream/protocol.js'
import { checkOptions, invalid, isPlain, type OptionNames, oneOf, optional, positive } from '../util/validate.js'

/**
 * What happens to a stream that a peer opens:
 *
 * - `'allow'`: it is accepted. {@link Authorize.stream} is not called.
 * - `'deny'`: it is refused with `ERR_UNAUTHORIZED`
 * - `'ask'`: {@link Authorize.stream} decides; refused without that callback
 * - a {@link PolicyRate}: it is accepted within a rate, and refused with `ERR_BUSY` beyond it
 */
export type PolicyEffect = 'allow' | 'deny' | 'ask' | PolicyRate

/** How many streams a rule accepts. */
export interface PolicyRate {
  /** Sustained rate of new streams. */
  readonly perSecond: number
  /** New streams at once. Default: `perSecond`. */
  readonly burst?: number | undefined
  /** `'peer'`: each peer has the rate for itself. `'all'`: all peers share it. Default: `'peer'`. */
  readonly of?: 'peer' | 'all' | undefined
}

/** A rule of a {@link Policy}. It matches a stream if each of its parts does. */
export interface PolicyRule {
  /** The peers. Rules that name the same array or `Set` object share it, which is cheaper. Default: every peer. */
  readonly peers?: Peers | undefined
  /**
   * The protocol. `'Tcp'`, `'Http'`, `'Socks5'` and `Protocol.generic({ fastn: kind })`, such as `{ fastn: 'udp' }` or `{ fastn: 'rpc' }`, mean
   * every service of that kind, with or without a name. Default: every protocol.
   */
  readonly protocol?: Protocol | undefined
  /** Name of a service, of any kind unless `protocol` is given; `''` for services without a name. Default: every stream. */
  readonly service?: string | undefined
  /** What happens to the stream. */
  readonly effect: PolicyEffect
}

/** Which peers may use which protocols and services. Of several rules that match a stream, the first decides. */
export interface Policy {
  /** The rules, in order. */
  readonly rules: readonly PolicyRule[]
  /** What happens to a stream that no rule matches. Default: `'deny'`. */
  readonly otherwise?: PolicyEffect | undefined
}

const policyNames: OptionNames<Policy> = { rules: true, otherwise: true }
const ruleNames: OptionNames<PolicyRule> = { peers: true, protocol: true, service: true, effect: true }
const rateNames: OptionNames<PolicyRate> = { perSecond: true, burst: true, of: true }

/** Checks a policy, and reads its peers. */
export function resolvePolicy(policy: Policy, path: string): BindingPolicy {
  const { rules, otherwise } = checkOptions(policy, policyNames, path, '{ rules, otherwise }')
  if (!Array.isArray(rules)) throw invalid(`${path}.rules`, 'an array of rules')
  const sets: string[][] = []
  const known = new Map<Peers, number>()
  const setOf = (peers: Peers, at: string) => {
    let index = known.get(peers)
    if (index === undefined) {
      index = sets.push(idsOfAll(peers, at)) - 1
      known.set(peers, index)
    }
    return index
  }
  return {
    rules: Array.from(rules as readonly PolicyRule[], (rule, at) => resolveRule(rule, `${path}.rules[${at}]`, setOf)),
    sets,
    otherwise: otherwise === undefined ? deny : resolveEffect(otherwise, `${path}.otherwise`)
  }
}

const deny: BindingPolicyEffect = { kind: 'deny', perSecond: 0, burst: 0 }

function resolveRule(rule: PolicyRule, path: string, setOf: (peers: Peers, path: string) => number): BindingPolicyRule {
  const { peers, protocol, service, effect } = checkOptions(rule, ruleNames, path)
  return {
    peers: peers === undefined ? null : setOf(peers, `${path}.peers`),
    protocol: protocol === undefined ? null : protocolText(protocol),
    service: optional('string', service, `${path}.service`) ?? null,
    effect: resolveEffect(effect, `${path}.effect`)
  }
}

function resolveEffect(effect: PolicyEffect, path: string): BindingPolicyEffect {
  if (typeof effect !== 'object' || (effect as unknown) === null || !isPlain(effect)) {
    if (typeof effect === 'string') return { ...deny, kind: oneOf(['allow', 'deny', 'ask'], effect, path) }
    throw invalid(path, "'allow', 'deny', 'ask' or { perSecond, burst, of }")
  }
  const { perSecond, burst, of = 'peer' } = checkOptions(effect, rateNames, path)
  const rate = positive(perSecond, `${path}.perSecond`)
  return {
    kind: oneOf(['peer', 'all'], of, `${path}.of`) === 'all' ? 'limitAll' : 'limit',
    perSecond: rate,
    burst: burst === undefined ? rate : positive(burst, `${path}.burst`)
  }
}
