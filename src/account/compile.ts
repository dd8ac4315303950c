import type { Policy, PolicyRule } from '../endpoint/policy.js'
import type { AccountData, AccountRule, Who } from './data.js'
import { peersOf } from './groups.js'
import { isOpen } from './invitations.js'
import type { LeaseClaims } from './lease.js'
import { accountProtocols } from './protocols.js'

/** Origin of a rule in a compiled policy: a rule of the account, or the account itself. */
export interface Origin {
  /** Index among the account's rules; `undefined` for a rule of the account itself or of the program. */
  readonly index: number | undefined
  /** The rule, of the account or of the program; `undefined` for a rule of the account itself. */
  readonly rule?: AccountRule
  /** The lease through which the rule applies. */
  readonly lease?: LeaseClaims | undefined
}

/** A policy, and the origin of each rule. */
export interface Compiled {
  readonly policy: Policy
  readonly origins: readonly Origin[]
}

/** Rate at which all unknown peers together may redeem invitations and present leases. Each request costs a hash or a signature check. */
const strangers = { perSecond: 20, burst: 40, of: 'all' } as const

/** Rate for each known peer. */
const guestRate = { perSecond: 2, burst: 10 } as const

/** Source of an account's policy. */
export interface Sources {
  readonly data: AccountData
  /** Rules of the program, after those of the account. */
  readonly program: readonly AccountRule[]
  /** Valid leases of devices of other peers. */
  readonly leases: readonly LeaseClaims[]
  /** Whether the account can sign leases. */
  readonly hasKey: boolean
  /** The time, in milliseconds: expired invitations admit no peer. */
  readonly now: number
}

/** Compiles the rules of an account to a policy of its endpoint. */
export function compile({ data, program, leases, hasKey, now }: Sources): Compiled {
  const rules: PolicyRule[] = []
  const origins: Origin[] = []
  const add = (rule: PolicyRule, origin: Origin) => {
    rules.push(rule)
    origins.push(origin)
  }
  // First, so that no rule locks out the account's devices or invited peers.
  const own: Origin = { index: undefined }
  const invitations = Object.values(data.invitations).filter(({ until }) => now < until)
  // A peer that has redeemed one may still wait for the answer, or retry after losing it.
  const guests = invitations.flatMap(({ redeemed }) => redeemed)
  if (guests.length > 0) add({ peers: guests, protocol: accountProtocols.invite, effect: guestRate }, own)
  if (invitations.some(invitation => isOpen(invitation, now)))
    add({ protocol: accountProtocols.invite, effect: strangers }, own)
  const devices = Object.keys(data.devices)
  if (hasKey && devices.length > 0) add({ peers: devices, protocol: accountProtocols.lease, effect: guestRate }, own)
  if (Object.keys(data.aliases).length > 0) add({ protocol: accountProtocols.present, effect: strangers }, own)
  const members = memberSets(data, leases)
  for (const [at, rule] of [...data.rules, ...program].entries()) {
    const index = at < data.rules.length ? at : undefined
    const { peers, limited } = members(rule.who)
    // Before the rule itself, which has the same effect: a device may also be a peer with its own alias.
    for (const lease of limited) {
      for (const narrow of withinScope(rule, lease)) add({ ...narrow, peers: [lease.device] }, { index, rule, lease })
    }
    const { protocol, service, effect } = rule
    add({ peers, protocol, service, effect }, { index, rule })
  }
  return { policy: { rules, otherwise: 'deny' }, origins }
}

interface Members {
  /** The peers, and their devices with scope `'*'`; `undefined` for everyone. */
  readonly peers: Set<string> | undefined
  /** Devices of the peers with a limited scope. */
  readonly limited: readonly LeaseClaims[]
}

/** The peers of a rule. Rules for the same peers share one set, which the endpoint reads once. */
function memberSets(data: AccountData, leases: readonly LeaseClaims[]): (who: Who) => Members {
  const known = new Map<string, Members>()
  return who => {
    const key = JSON.stringify(who)
    let members = known.get(key)
    if (members === undefined) {
      members = withDevices(peersOf(data, who), leases)
      known.set(key, members)
    }
    return members
  }
}

function withDevices(peers: Set<string> | undefined, leases: readonly LeaseClaims[]): Members {
  if (peers === undefined) return { peers, limited: [] }
  const acting = leases.filter(({ account }) => peers.has(account))
  const limited = acting.filter(({ scope, device }) => scope !== '*' && !peers.has(device))
  for (const { device, scope } of acting) if (scope === '*') peers.add(device)
  return { peers, limited }
}

/** The intersection of a rule and the scope of a lease. */
export function withinScope(rule: AccountRule, { scope }: LeaseClaims): Omit<PolicyRule, 'peers'>[] {
  if (scope === '*') return [{ protocol: rule.protocol, service: rule.service, effect: rule.effect }]
  return scope.flatMap((part): Omit<PolicyRule, 'peers'>[] => {
    const { protocol, service, effect } = rule
    if (part.startsWith('service:')) {
      const name = part.slice('service:'.length)
      if (service !== undefined && service !== name) return []
      // Only these protocols have services.
      return protocol === undefined || hasServices(protocol) ? [{ protocol, service: name, effect }] : []
    }
    if (protocol !== undefined && protocol !== part) return []
    if (service !== undefined && !hasServices(part)) return []
    return [{ protocol: part, service, effect }]
  })
}

/** Whether the protocol matches a kind of services: see {@link PolicyRule.protocol}. */
function hasServices(protocol: NonNullable<AccountRule['protocol']>): boolean {
  if (typeof protocol === 'string') return protocol === 'Tcp' || protocol === 'Http' || protocol === 'Socks5'
  const { Generic: value } = protocol
  return typeof value === 'object' && value !== null && 'fastn' in value && Object.keys(value).length === 1
}
