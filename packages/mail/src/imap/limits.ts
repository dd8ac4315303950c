import { MailError } from '../errors.js'

/** Limits of an IMAP server. Each has a default that ordinary clients do not meet. */
export interface ImapLimits {
  /** Connections at once that have logged in, 256 by default. One more gets `BYE`. */
  maxConnections?: number
  /** Connections at once of one user, 32 by default. */
  maxUserConnections?: number
  /** Connections at once that have not logged in, 64 by default. One more takes the place of the oldest. */
  maxPendingLogins?: number
  /** Largest message of APPEND, in bytes; 64 MiB by default. A larger one gets `NO [TOOBIG]`. */
  maxMessageBytes?: number
  /** Longest command without its literals, in bytes; 64 KiB by default. A longer one gets `BAD`. */
  maxLineBytes?: number
  /** All literals of a command other than APPEND, in bytes; 64 KiB by default. */
  maxLiteralBytes?: number
  /** Time to log in, in milliseconds; 60,000 by default. */
  loginTimeoutMs?: number
  /** Time without a command, in milliseconds; 30 minutes by default, which is the least that RFC 3501 allows. */
  idleTimeoutMs?: number
  /** Time in which a client sends the next part of a command, or takes the next part of a response, in milliseconds; 60,000 by default. */
  stallTimeoutMs?: number
  /** Commands of one connection in a second, 200 by default, after ten times as many at once. Further ones wait. */
  maxCommandRate?: number
  /** Messages that are taken apart at once, in bytes; 128 MiB by default. One larger message is taken alone; further ones wait. */
  maxParsedBytes?: number
}

/** {@link ImapLimits} with all defaults. */
export type Limits = Required<ImapLimits>

const defaults: Limits = {
  maxConnections: 256,
  maxUserConnections: 32,
  maxPendingLogins: 64,
  maxMessageBytes: 64 * 1024 * 1024,
  maxLineBytes: 64 * 1024,
  maxLiteralBytes: 64 * 1024,
  loginTimeoutMs: 60_000,
  idleTimeoutMs: 30 * 60_000,
  stallTimeoutMs: 60_000,
  maxCommandRate: 200,
  maxParsedBytes: 128 * 1024 * 1024
}

/** Before the login, lines and literals are bounded by this too. */
export const maxStrangerBytes: number = 8 * 1024

/** Most literals of one command. */
export const maxLiterals = 64

/** Most words of one command. */
export const maxTokens = 10_000

/** Deepest nesting of parentheses in a command. */
export const maxNesting = 32

/** Most ranges of a set. */
export const maxRanges = 10_000

/** `BAD` commands in a row after which the connection is closed. */
export const maxBadCommands = 20

/** Checks limits and adds the defaults. Throws `ERR_INVALID_ARGUMENT`. */
export function checkLimits(given: ImapLimits = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults)) {
      throw new MailError(
        'ERR_INVALID_ARGUMENT',
        `unknown limit '${name}'; limits: ${Object.keys(defaults).join(', ')}`
      )
    }
    if (!(Number.isSafeInteger(value) && value > 0)) {
      throw new MailError('ERR_INVALID_ARGUMENT', `limits.${name} must be an integer above 0`)
    }
  }
  return { ...defaults, ...given }
}
