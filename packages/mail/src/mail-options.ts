import type { Endpoint, Peer } from 'fastn-net'
import type { Account, HeldLease } from 'fastn-net/account'
import type { Clock } from './clock.js'
import type { OnEvent } from './events.js'
import type { ImapOptions } from './imap/index.js'
import type { LegacyMode } from './legacy/serve.js'
import type { MailRule } from './receive/rules.js'
import type { SmtpOptions } from './smtp/server.js'
import type { MailStore } from './store/index.js'

/** A mail user of this peer. */
export interface MailUser {
  /** Hash of the password, from {@link hashPassword}, for SMTP and IMAP. Default: none; the user cannot log in. */
  readonly password?: string | undefined
  /**
   * Further local parts of the user's addresses. `'*'` matches all that no other user has. Default: `['*']` for a single user, else none.
   */
  readonly aliases?: readonly string[] | undefined
  /** Storage of the user's mail. Default: a Maildir in the folder of the service, which closes with it. */
  readonly store?: MailStore | undefined
  /** Quota of that Maildir, in bytes. Default: 5 GiB. */
  readonly quotaBytes?: number | undefined
}

/** Limits of a mail service. */
export interface MailLimits {
  /** Maximum message size to send or accept, in bytes. Default: 64 MiB. */
  readonly maxMessageBytes?: number | undefined
  /** Maximum mails in the queue. Clients then get a temporary error. Default: 100,000. */
  readonly maxQueued?: number | undefined
  /** Maximum bytes in the queue. Default: 4 GiB. */
  readonly maxQueuedBytes?: number | undefined
  /** Maximum concurrent transfers, in each direction. Default: 64. */
  readonly maxTransfers?: number | undefined
  /** Maximum concurrent transfers per peer, in each direction. Default: 16. */
  readonly maxTransfersPerPeer?: number | undefined
  /** Mails per hour from all peers of the original together. Default: 60. */
  readonly legacyPerHour?: number | undefined
}

/** Options of {@link startMail}. */
export interface MailOptions {
  /** The endpoint that sends and receives. Its ID52 is the domain of the addresses. The caller closes it, after the service. */
  readonly endpoint: Endpoint
  /** Folder of the queue and of the users' mail, created if it does not exist. Only one service can use it. */
  readonly folder: string
  /** Users by name: lower-case letters, digits, `.`, `_` and `-`. At least one. */
  readonly users: Readonly<Record<string, MailUser>>
  /** SMTP for mail clients. `false`: none. Default: port 587 of 127.0.0.1, without TLS. */
  readonly smtp?: SmtpOptions | false | undefined
  /** IMAP for mail clients. `false`: none. Default: port 1143 of 127.0.0.1, without TLS. */
  readonly imap?: Omit<ImapOptions, 'authenticate' | 'onError' | 'signal'> | false | undefined
  /** Account of the endpoint: resolves aliases and groups in `allow`, and leases of devices. Default: none. */
  readonly account?: Account | undefined
  /** Lease of this endpoint as a device. Its users may then send from addresses of the account. Default: none. */
  readonly lease?: HeldLease | undefined
  /**
   * Peers whose mail is accepted: `'everyone'`, or a list of ID52s, aliases, groups and rules. Default: with an account, every peer that its
   * rules allow to use the protocol; else no peer.
   */
  readonly allow?: 'everyone' | readonly (string | MailRule)[] | undefined
  /** Mail of peers of the original, whose senders are anonymous: refuse it, store it in Junk, or accept it. Default: `'refuse'`. */
  readonly legacy?: LegacyMode | undefined
  /** Limits. */
  readonly limits?: MailLimits | undefined
  /** Resolves the address of a peer. Default: from the account, else the ID52 alone. */
  readonly address?: ((id52: string) => Peer) | undefined
  /** Receives events, for logs. */
  readonly onEvent?: OnEvent | undefined
  /** Clock. Default: the system clock. */
  readonly clock?: Clock | undefined
}

export const mailOptionNames: readonly (keyof MailOptions)[] = [
  'endpoint',
  'folder',
  'users',
  'smtp',
  'imap',
  'account',
  'lease',
  'allow',
  'legacy',
  'limits',
  'address',
  'onEvent',
  'clock'
]
export const userNames: readonly (keyof MailUser)[] = ['password', 'aliases', 'store', 'quotaBytes']
export const limitNames: readonly (keyof MailLimits)[] = [
  'maxMessageBytes',
  'maxQueued',
  'maxQueuedBytes',
  'maxTransfers',
  'maxTransfersPerPeer',
  'legacyPerHour'
]

/** Address of a server. */
export interface ListenAddress {
  /** Address. */
  readonly host: string
  /** Port. */
  readonly port: number
}

/** A mail to send: {@link Mail.send}. */
export interface OutgoingMail {
  /** Envelope sender: an address here, or empty for the null sender. */
  readonly from: string
  /** Recipients, `alias@<id52>.fastn`. */
  readonly to: string | readonly string[]
  /** The message, headers included. It arrives byte for byte: leave out `Bcc`, and name its recipients in `to`. */
  readonly raw: Uint8Array | string
}

/** A queued delivery: {@link Mail.queue}. */
export interface QueuedDelivery {
  /** Id of the mail. */
  readonly id: string
  /** Envelope sender; empty for the null sender. */
  readonly from: string
  /** Recipients at the peer. */
  readonly to: readonly string[]
  /** ID52 of the peer. */
  readonly peer: string
  /** Bytes of the message. */
  readonly size: number
  /** Time of queueing, in milliseconds as from `Date.now()`. */
  readonly queuedAt: number
  /** Earliest time of the next attempt, as from `Date.now()`. A past time means now, or once other attempts have ended. */
  readonly nextAt: number
  /** Error of the last attempt; empty before. */
  readonly reason: string
}
