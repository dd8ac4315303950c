import { createHash, randomBytes } from 'node:crypto'
import { FastnNetError } from '../errors.js'
import { parsePeer } from '../keys/peer.js'
import { invalid } from '../util/validate.js'

/** Content of an invitation. docs/wire.md has its text form. */
export interface InvitationTicket {
  /** Ticket of the endpoint that invites. */
  readonly ticket: string
  /** 128 bits, in base64url. */
  readonly secret: string
  /** Expiry of the invitation, in milliseconds as from `Date.now()`. */
  readonly until: number
}

const prefix = 'fastn-invite-1'

/** 22 characters hold 128 bits; of the last one, only 2 bits. */
const ticketText = /^fastn-invite-1\.([\w-]{21}[AQgw])\.(\d{1,11})\.([\da-z]{52,4096})$/

/** A new secret. */
export function newSecret(): string {
  return randomBytes(16).toString('base64url')
}

/** The hash of a secret, as accounts store it. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(Buffer.from(secret, 'base64url')).digest('hex')
}

/** Whether a text has the form of a secret. */
export function isSecret(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{21}[AQgw]$/.test(text)
}

/** Writes an invitation as text. */
export function formatInvitation({ ticket, secret, until }: InvitationTicket): string {
  return [prefix, secret, Math.ceil(until / 1_000), ticket].join('.')
}

/**
 * Reads the text of an invitation, as {@link Account.invite} returns it. White space around it is ignored.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if it is malformed. The message does not contain the text, which holds a secret.
 *
 * @example
 * const { until } = parseInvitation(text)
 */
export function parseInvitation(text: string): InvitationTicket {
  if (typeof text !== 'string') throw invalid('invitation', 'a string')
  const [, secret, seconds, ticket] = ticketText.exec(text.trim()) ?? []
  if (secret === undefined || seconds === undefined || ticket === undefined)
    throw invalid('invitation', `the text that account.invite() returned, which begins with '${prefix}.'`)
  try {
    parsePeer(ticket)
  } catch (cause) {
    const message = 'the invitation is damaged: its ticket cannot be read. Copy the whole text again'
    throw new FastnNetError('ERR_INVALID_ARGUMENT', message, { cause })
  }
  return { secret, until: Number(seconds) * 1_000, ticket }
}
