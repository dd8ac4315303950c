import type { Endpoint, Peer } from 'fastn-net'
import type { HeldLease } from 'fastn-net/account'
import type { MailAnswer } from '../protocol.js'

/** What became of an attempt. */
export type Outcome = MailAnswer | { readonly status: 'unreachable'; readonly message: string }

/** An {@link Outcome} after which the peer does not have the mail. */
export type FailedOutcome = Exclude<Outcome, { readonly status: 'stored' | 'duplicate' }>

/** Whether the peer has the mail. */
export function isTaken(outcome: Outcome): outcome is Exclude<Outcome, FailedOutcome> {
  return outcome.status === 'stored' || outcome.status === 'duplicate'
}

/** How mail leaves this machine. */
export interface Transport {
  readonly endpoint: Endpoint
  /** Address of a peer. */
  readonly address: (id52: string) => Peer
  /** Lease by which this endpoint acts for its account. */
  readonly lease: HeldLease | undefined
  /** Time until a peer is reached, in milliseconds. */
  readonly dialTimeout: number
}
