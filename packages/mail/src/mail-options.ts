import type { Endpoint, Peer } from 'fastn-net'
import type { Account, HeldLease } from 'fastn-net/account'
import type { Clock } from './clock.js'
import type { OnEvent } from './events.js'
import type { ImapOptions } from './imap/index.js'
import type { LegacyMode } from './legacy/serve.js'
import type { MailRule } from './receive/rules.js'
import type { SmtpOptions } from './smtp/server.js'
import type { MailStore } from './store/index.js'

/** A person, or a program, with mail at this peer. */
export interface MailUser {
  /** Hash of the password, from {@link hashPassword}, for SMTP and IMAP. Default: none; the user cannot log in. */
  readonly password?: string | undefined
  /**
   * Local parts of the user's addresses besides the name. `'*'`: every one that no other user has. Default: `['*']` for the only user, else
   * none.
   */
  readonly aliases?: readonly string[] | undefined
  /** Where the user's mail is kept. Default: a Maildir in the folder of the service, which closes with it. */
  readonly store?: MailStore | undefined
  /** Limit of that Maildir, in bytes. Default: 5 GiB. */
  readonly quotaBytes?: number | undefined
}

/** Bounds of a mail service. */
export interface MailLimits {
  /** Largest message, in bytes, that is sent or taken. Default: 64 MiB. */
  readonly maxMessageBytes?: number | undefined
  /** Mails in the queue. Clients are then told to try again later. Default: 100,000. */
  readonly maxQueued?: number | undefined
  /** Bytes in the queue. Default: 4 GiB. */
  readonly maxQueuedBytes?: number | undefined
  /** Mails that are sent, and that are taken, at once. Default: 64. */
  readonly maxTransfers?: number | undefined
  /** The same to, and of, one peer. Default: 16. */
  readonly maxTransfersPerPeer?: number | undefined
  /** Mails of peers of the original an hour, of all together. Default: 60. */
  readonly legacyPerHour?: number | undefined
}

/** Options of {@link startMail}. */
export interface MailOptions {
  /** The endpoint that sends and receives. Its ID52 is the domain of the addresses. The caller closes it, after the service. */
  readonly endpoint: Endpoint
  /** Folder of the queue and of the users' mail, created if it does not exist. One service uses it at a time. */
  readonly folder: string
  /** Users by name: lower-case letters, digits, `.`, `_` and `-`. At least one. */
  readonly users: Readonly<Record<string, MailUser>>
  /** SMTP for mail clients. `false`: none. Default: port 587 of 127.0.0.1, without TLS. */
  readonly smtp?: SmtpOptions | false | undefined
  /** IMAP for mail clients. `false`: none. Default: port 1143 of 127.0.0.1, without TLS. */
  readonly imap?: Omit<ImapOptions, 'authenticate' | 'onError' | 'signal'> | false | undefined
  /** Account of the endpoint: gives peers names and groups for `allow`, and says who acts for whom. Default: none. */
  readonly account?: Account | undefined
  /** Lease by which this endpoint is a device of an account, whose addresses its users may then send from. Default: none. */
  readonly lease?: HeldLease | undefined
  /**
   * Peers whose mail is taken: `'everyone'`, or a list of ID52s, aliases, groups and rules. Default: with an account `'everyone'` whom its
   * rules let use the protocol, else nobody.
   */
  readonly allow?: 'everyone' | readonly (string | MailRule)[] | undefined
  /** Mail of peers of the original, which does not say who sends it: refuse it, store it in Junk, or accept it. Default: `'refuse'`. */
  readonly legacy?: LegacyMode | undefined
  /** Bounds. */
  readonly limits?: MailLimits | undefined
  /** Address of a peer. Default: the account's, or its ID52 alone, which the endpoint looks up. */
  readonly address?: ((id52: string) => Peer) | undefined
  /** Receives what happens to mails, for logs. */
  readonly onEvent?: OnEvent | undefined
  /** Time. Default: the machine's. */
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

/** Where a server listens. */
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
  /** The message, headers included. It arrives byte for byte. */
  readonly raw: Uint8Array | string
}

/** A delivery that waits: {@link Mail.queue}. */
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
  /** When it was queued, in milliseconds as from `Date.now()`. */
  readonly queuedAt: number
  /** When the next attempt is due at the earliest, as from `Date.now()`. A time that has passed: now, or as soon as others have ended. */
  readonly nextAt: number
  /** Why the last attempt failed; empty before. */
  readonly reason: string
}
