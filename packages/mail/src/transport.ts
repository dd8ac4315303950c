import type { Endpoint, Peer } from 'fastn-net'
import type { HeldLease } from 'fastn-net/account'
import type { MailAnswer } from './protocol.js'

/** Outcome of an attempt. */
export type Outcome = MailAnswer | { readonly status: 'unreachable'; readonly message: string }

/** An unsuccessful {@link Outcome}. */
export type FailedOutcome = Exclude<Outcome, { readonly status: 'stored' | 'duplicate' }>

/** Whether the peer has the mail. */
export function isTaken(outcome: Outcome): outcome is Exclude<Outcome, FailedOutcome> {
  return outcome.status === 'stored' || outcome.status === 'duplicate'
}

/** Settings for sending. */
export interface Transport {
  readonly endpoint: Endpoint
  /** Address of a peer. */
  readonly address: (id52: string) => Peer
  /** Lease with which this endpoint acts for its account. */
  readonly lease: HeldLease | undefined
  /** Timeout for reaching a peer, in milliseconds. */
  readonly dialTimeout: number
}
