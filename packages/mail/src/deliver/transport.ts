import type { Endpoint, Peer } from 'fastn-net'
import type { HeldLease } from 'fastn-net/account'
import type { MailAnswer } from '../protocol.js'

/** What became of an attempt. */
export type Outcome = MailAnswer | { readonly status: 'unreachable'; readonly message: string }

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
