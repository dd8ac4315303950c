import type { Account } from 'fastn-net/account'
import type { Clock } from '../clock.js'
import { checkNames, count, invalid } from '../options.js'

/** A rule for mail of peers. The first rule that matches a peer decides; without a match, mail is refused. */
export interface MailRule {
  /** An alias or a group of the account, an ID52, an array of these, or `'everyone'`. */
  readonly who: string | readonly string[]
  /** Whether mail is accepted. Default: `'allow'`. */
  readonly effect?: 'allow' | 'deny' | undefined
  /** Mails per hour and peer; more are deferred. Default: 1,000. */
  readonly perHour?: number | undefined
  /** Maximum message size, in bytes. Default: the `maxMessageBytes` of the service. */
  readonly maxBytes?: number | undefined
}

/** Decision about a mail. */
export type RuleDecision =
  | { readonly status: 'allow'; readonly maxBytes: number }
  | { readonly status: 'deny' }
  /** In seconds. */
  | { readonly status: 'later'; readonly retryAfter: number }

const names = ['who', 'effect', 'perHour', 'maxBytes']

/** Checks rules. `'everyone'` and a list of peers are short for rules. */
export function checkRules(allow: 'everyone' | readonly (string | MailRule)[]): MailRule[] {
  if (allow === 'everyone') return [{ who: 'everyone' }]
  if (!Array.isArray(allow)) throw invalid("allow must be 'everyone' or a list of rules")
  return allow.map((each, at) => {
    if (typeof each === 'string') return { who: each }
    checkNames(each, names, `allow[${at}]`)
    if (each.effect !== undefined && each.effect !== 'allow' && each.effect !== 'deny')
      throw invalid(`allow[${at}].effect must be 'allow' or 'deny'`)
    count(each.perHour, 1, 1, `allow[${at}].perHour`)
    count(each.maxBytes, 1, 1, `allow[${at}].maxBytes`)
    return each
  })
}

// Maximum tracked peers. Evicted ones start with a new rate.
const maxPeers = 10_000
const hour = 3_600_000

/** Rules with the rate of each peer. */
export class Rules {
  readonly #rules: readonly MailRule[]
  readonly #account: Account | undefined
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #sent = new Map<string, { left: number; at: number }>()

  constructor(rules: readonly MailRule[], account: Account | undefined, clock: Clock, maxBytes: number) {
    this.#rules = rules
    this.#account = account
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  /** Decides on a mail of a peer, and counts it. */
  decide(peer: string): RuleDecision {
    const rule = this.#rules.find(({ who }) => this.#isMeant(peer, who))
    if (rule === undefined || rule.effect === 'deny') return { status: 'deny' }
    const retryAfter = this.#take(peer, rule.perHour ?? 1000)
    if (retryAfter > 0) return { status: 'later', retryAfter }
    return { status: 'allow', maxBytes: Math.min(rule.maxBytes ?? this.#maxBytes, this.#maxBytes) }
  }

  #isMeant(peer: string, who: string | readonly string[]): boolean {
    const wanted = typeof who === 'string' ? [who] : who
    if (wanted.includes('everyone') || wanted.includes(peer)) return true
    if (this.#account === undefined) return false
    const { alias, groups } = this.#account.identify(peer)
    return wanted.some(name => name === alias || groups.includes(name))
  }

  /** Consumes one mail of a peer's hourly rate. Returns 0, or the seconds until the next is allowed. */
  #take(peer: string, perHour: number): number {
    const now = this.#clock.elapsed()
    const known = this.#sent.get(peer) ?? { left: perHour, at: now }
    this.#sent.delete(peer)
    const left = Math.min(perHour, known.left + ((now - known.at) * perHour) / hour)
    const isTaken = left >= 1
    this.#sent.set(peer, { left: isTaken ? left - 1 : left, at: now })
    if (this.#sent.size > maxPeers) this.#sent.delete(this.#sent.keys().next().value as string)
    return isTaken ? 0 : Math.ceil(((1 - left) * hour) / perHour / 1000)
  }
}
