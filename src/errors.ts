import type { Protocol } from './stream/protocol.js'
import { jsonSafe } from './util/json-safe.js'

/**
 * Every code a {@link FastnNetError} can have, in the order of the core's table (`crates/fastn-net/src/error.rs`).
 * Minor versions may add codes: keep a default branch.
 */
export const errorCodes = [
  'ERR_BIND',
  'ERR_SECRET_KEY',
  'ERR_PEER_ADDRESS',
  'ERR_UNREACHABLE',
  'ERR_CONNECTION_LOST',
  'ERR_ACK_TIMEOUT',
  'ERR_REFUSED',
  'ERR_UNAUTHORIZED',
  'ERR_PROTOCOL_UNSUPPORTED',
  'ERR_TOO_MANY_STREAMS',
  'ERR_HEADER_INVALID',
  'ERR_HEADER_TOO_LARGE',
  'ERR_HEADER_TIMEOUT',
  'ERR_STREAM_RESET',
  'ERR_STREAM_STOPPED',
  'ERR_STREAM_FINISHED',
  'ERR_LINE_TOO_LONG',
  'ERR_UNEXPECTED_END',
  'ERR_JSON',
  'ERR_UTF8',
  'ERR_INVALID_ARGUMENT',
  'ERR_CLOSED',
  'ERR_READ_PENDING',
  'ERR_PROTOCOL_IN_USE',
  'ERR_SHUTTING_DOWN',
  'ERR_BUSY',
  'ERR_PING',
  'ERR_KEY_STORE',
  'ERR_REMOTE',
  'ERR_SCHEMA',
  'ERR_NATIVE',
  'ERR_LISTEN',
  'ERR_TARGET',
  'ERR_INTERNAL'
] as const

/** What went wrong, to branch on. */
export type FastnNetErrorCode = (typeof errorCodes)[number]

/** What is known about a failure beside its code and message. */
export interface FastnNetErrorOptions {
  /** ID52 of the peer it happened with. */
  peer?: string | undefined
  /** Protocol of the stream it happened on. */
  protocol?: Protocol | undefined
  /** What was being done, for a person: `'dial'`, `'read'`, … */
  phase?: string | undefined
  /** Application error code of a reset, a stop or a close. */
  errorCode?: number | bigint | undefined
  /** The peer's own word for why it refused. */
  remoteCode?: string | undefined
  /** The text that was there when the stream ended in the middle of a line. */
  partial?: string | undefined
  /** What caused it. */
  cause?: unknown
}

// The same symbol in every realm and in every copy of the package.
const brand = Symbol.for('fastn-net.error')

/**
 * The one class of this library's failures. `code` is what to branch on; `message` says what to do.
 *
 * `instanceof` works across realms and copies of the package. An aborted call rejects with its signal's own reason instead.
 */
export class FastnNetError extends Error {
  /** What to branch on. */
  readonly code: FastnNetErrorCode
  /** ID52 of the peer it happened with. */
  declare readonly peer?: string
  /** Protocol of the stream it happened on. */
  declare readonly protocol?: Protocol
  /** What was being done. */
  declare readonly phase?: string
  /** Application error code of a reset, a stop or a close; a bigint where it is above 2^53 - 1. `JSON.stringify` shows that as text. */
  declare readonly errorCode?: number | bigint
  /** The peer's own word for why it refused. */
  declare readonly remoteCode?: string
  /** Only `ERR_UNEXPECTED_END`: the text that was there when the stream ended in the middle of a line. */
  declare readonly partial?: string

  constructor(code: FastnNetErrorCode, message: string, options: FastnNetErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    const { peer, protocol, phase, errorCode, remoteCode, partial } = options
    // Only what is known becomes a property: a printed error shows no list of undefined.
    for (const [name, value] of Object.entries({ peer, protocol, phase, errorCode, remoteCode, partial })) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true })
    }
    if (typeof errorCode === 'bigint') jsonSafe(this)
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'FastnNetError' })
    Object.defineProperty(this.prototype, brand, { value: true })
  }

  /** True for an error of another copy of this package as well, in another realm too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== FastnNetError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** Whether `error` is this library's. */
export function isFastnNetError(error: unknown): error is FastnNetError
/**
 * Whether `error` is this library's, and has that code.
 *
 * @example
 * try { … } catch (error) { if (!isFastnNetError(error, 'ERR_UNREACHABLE')) throw error }
 */
export function isFastnNetError<Code extends FastnNetErrorCode>(
  error: unknown,
  code: Code
): error is FastnNetError & {
  /** The code that was asked for. */
  readonly code: Code
}
export function isFastnNetError(error: unknown, code?: FastnNetErrorCode): boolean {
  return error instanceof FastnNetError && (code === undefined || error.code === code)
}
