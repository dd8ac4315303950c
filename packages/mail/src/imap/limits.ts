import { MailError } from '../errors.js'

/** Limits of an IMAP server. Ordinary clients stay below the defaults. */
export interface ImapLimits {
  /** Maximum logged-in connections, 256 by default. Further ones get `BYE`. */
  maxConnections?: number
  /** Maximum connections of one user, 32 by default. */
  maxUserConnections?: number
  /** Maximum connections before login, 64 by default. A new one evicts the oldest. */
  maxPendingLogins?: number
  /** Maximum message of APPEND, in bytes; 64 MiB by default. Larger ones get `NO [TOOBIG]`. */
  maxMessageBytes?: number
  /** Maximum command without literals, in bytes; 64 KiB by default. Longer ones get `BAD`. */
  maxLineBytes?: number
  /** Maximum total of the literals of a command other than APPEND, in bytes; 64 KiB by default. */
  maxLiteralBytes?: number
  /** Login deadline, in milliseconds; 60,000 by default. */
  loginTimeoutMs?: number
  /** Idle timeout, in milliseconds; 30 minutes by default, the minimum of RFC 3501. */
  idleTimeoutMs?: number
  /** Timeout for the next part of a command or response, in milliseconds; 60,000 by default. */
  stallTimeoutMs?: number
  /** Commands per second of one connection, 200 by default, with a burst of ten times as many. Further ones wait. */
  maxCommandRate?: number
  /** Maximum bytes of concurrently parsed messages; 128 MiB by default. A larger message is parsed alone; further ones wait. */
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

/** Additional bound of lines and literals before login. */
export const maxStrangerBytes: number = 8 * 1024

/** Maximum literals of one command. */
export const maxLiterals = 64

/** Maximum words of one command. */
export const maxTokens = 10_000

/** Maximum nesting of parentheses in a command. */
export const maxNesting = 32

/** Maximum ranges of a set. */
export const maxRanges = 10_000

/** Consecutive `BAD` commands before the connection is closed. */
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
