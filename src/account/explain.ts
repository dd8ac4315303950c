import type { AccessDecision } from '../endpoint/access-control.js'
import type { Compiled } from './compile.js'
import type { AccountData, AccountRule } from './data.js'
import { groupsOf, namesOf } from './groups.js'
import type { LeaseClaims } from './lease.js'

/** Identity of a peer: result of {@link Account.identify}. */
export interface Identity {
  /** ID52 of the peer. */
  readonly id52: string
  /** Its alias; `undefined` for a peer without one. */
  readonly alias: string | undefined
  /** Its groups, direct and indirect. Sorted. */
  readonly groups: readonly string[]
  /** Name of the device, if the peer is a device of this account. */
  readonly device: string | undefined
  /** Leases through which it acts for other peers. */
  readonly actsFor: readonly LeaseClaims[]
}

/** Why a stream of a peer is accepted or refused: result of {@link Account.explain}. */
export interface Explanation extends Omit<AccessDecision, 'rule' | 'by'> {
  /**
   * What decided: a `'rule'` of the account or the program, the `'account'` itself for its own protocols, `'otherwise'` if no rule matches, or the
   * `'allow'` or `'deny'` list of the endpoint. `'nothing'` once another part of the program has removed the policy.
   */
  readonly by: AccessDecision['by'] | 'account'
  /** The rule. `index` is its index in {@link AccountData.rules}; `undefined` for a rule of the program: {@link Account.setProgramRules}. */
  readonly rule: AccountRule | undefined
  /** The lease through which the rule applies, for a device. */
  readonly lease: LeaseClaims | undefined
  /** The explanation as one sentence. */
  readonly text: string
}

/** Identifies a peer. */
export function identify(data: AccountData, id52: string, actsFor: readonly LeaseClaims[]): Identity {
  const alias = namesOf(data, id52)[0]
  const device = Object.hasOwn(data.devices, id52) ? data.devices[id52]?.name : undefined
  return { id52, alias, groups: groupsOf(data, id52), device, actsFor }
}

/** Explains a decision of the endpoint in terms of the account. */
export function explained(decision: AccessDecision, who: Identity, { origins }: Compiled): Explanation {
  const { effect, by, index: at } = decision
  const origin = at === undefined ? undefined : origins[at]
  const index = origin?.index
  const rule = origin?.rule
  const found = { effect, index, rule, lease: origin?.lease ?? leaseFor(rule, who) }
  const name = who.alias ?? who.id52
  const end = typeof effect === 'string' ? effect : `at most ${effect.perSecond}/s`
  if (by !== 'rule') return { ...found, by, text: `${name}: ${end}, ${reasons[by]}` }
  if (rule === undefined) return { ...found, by: 'account', text: `${name}: ${end}, for the account's own protocols` }
  const as = found.lease === undefined ? '' : `, as a device of ${found.lease.account}`
  return {
    ...found,
    by,
    text: `${name}: ${end}, by ${index === undefined ? 'a rule of the program' : `rule ${index}`} for ${whoText(rule)}${as}`
  }
}

const reasons = {
  deny: 'by the deny list of the endpoint',
  allow: 'because the allow list of the endpoint lacks it',
  otherwise: 'because no rule matches',
  nothing: 'because the endpoint has no policy'
} as const

function whoText({ who }: AccountRule): string {
  return typeof who === 'string' ? who : who.join(', ')
}

/** The lease with scope `'*'` through which a rule matches a device. */
function leaseFor(
  rule: AccountRule | undefined,
  { actsFor, groups, alias, id52, device }: Identity
): LeaseClaims | undefined {
  if (rule === undefined || rule.who === 'everyone') return undefined
  const names = typeof rule.who === 'string' ? [rule.who] : rule.who
  const isMeant = names.some(
    name => name === id52 || (name === 'devices' && device !== undefined) || name === alias || groups.includes(name)
  )
  return isMeant ? undefined : actsFor.find(({ scope }) => scope === '*')
}
