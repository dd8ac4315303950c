import { builtin } from './util/builtin.js'
import { jsonSafe } from './util/display.js'
import { firstLineOf, refuseWhatJsonDrops } from './util/json.js'

/**
 * All codes of {@link FastnNetError}, in the order of `crates/fastn-net-proto/src/error.rs`.
 * A minor version may add codes: keep a default branch.
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
  'ERR_TOO_LARGE',
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
  'ERR_FILE',
  'ERR_REMOTE',
  'ERR_SCHEMA',
  'ERR_CALL_TIMEOUT',
  'ERR_NATIVE',
  'ERR_LISTEN',
  'ERR_TARGET',
  'ERR_INTERNAL'
] as const

/** Error code of a {@link FastnNetError}. */
export type FastnNetErrorCode = (typeof errorCodes)[number]

/** One way in which a value does not match its schema. Long texts are cut to 128 characters, paths to 16 keys. */
export interface SchemaIssue {
  /** What is wrong, in the schema library's words. A peer's text has its control characters escaped. */
  readonly message: string
  /** Keys from the value down to its wrong part; empty for the value itself. */
  readonly path: readonly (string | number)[]
}

/** Details of a {@link FastnNetError} besides its code and message. */
export interface FastnNetErrorOptions {
  /** ID52 of the peer. */
  peer?: string | undefined
  /** Protocol of the stream. */
  protocol?: Protocol | undefined
  /** Operation that failed, for logs: `'connect'`, `'open'`, `'read'`, … */
  phase?: string | undefined
  /** Application error code of a reset, stop or close. */
  errorCode?: number | bigint | undefined
  /** Refusal word sent by the peer, or the code of its handler's error. */
  remoteCode?: string | undefined
  /** Name of the error that the peer's handler threw. */
  remoteName?: string | undefined
  /** Stack trace from the peer. */
  remoteStack?: string | undefined
  /** Data of the error that the peer's handler threw. */
  data?: unknown
  /** How a message differs from its schema. */
  issues?: readonly SchemaIssue[] | undefined
  /** Text received before the stream ended in the middle of a line. */
  partial?: string | undefined
  /** Underlying error. */
  cause?: unknown
}

const detailNames = [
  'peer',
  'protocol',
  'phase',
  'errorCode',
  'remoteCode',
  'remoteName',
  'remoteStack',
  'data',
  'issues',
  'partial'
] as const satisfies readonly (keyof FastnNetErrorOptions)[]

// Shared by all realms and all copies of the package.
const brand = Symbol.for('fastn-net.error')

/**
 * Error thrown by this library. Branch on `code`; `message` says what happened and what to do.
 *
 * `instanceof` works across realms and copies of the package. An aborted call rejects with its signal's reason instead.
 *
 * @example
 * try {
 *   await endpoint.getStream(peer, 'Echo')
 * } catch (error) {
 *   if (error instanceof FastnNetError && error.code === 'ERR_UNREACHABLE') console.log('offline:', error.message)
 *   else throw error
 * }
 */
export class FastnNetError extends Error {
  /** Kind of the failure. */
  readonly code: FastnNetErrorCode
  /** ID52 of the peer, if known. */
  declare readonly peer?: string
  /** Protocol of the stream, if known. */
  declare readonly protocol?: Protocol
  /** Operation that failed, for logs: `'connect'`, `'open'`, `'read'`, … */
  declare readonly phase?: string
  /** Application error code of a reset, stop or close. A bigint above 2^53 - 1, which `JSON.stringify` writes as a string. */
  declare readonly errorCode?: number | bigint
  /** Refusal word sent by the peer. With `ERR_REMOTE`: the `code` of the handler's error, if it has one. */
  declare readonly remoteCode?: string
  /** With `ERR_REMOTE`: `name` of the error that the peer's handler threw. */
  declare readonly remoteName?: string
  /** With `ERR_REMOTE`: its stack trace, if the peer sends those. */
  declare readonly remoteStack?: string
  /** With `ERR_REMOTE`: its `data`, if it has any that JSON can represent. Chosen by the peer, so check it before use. */
  declare readonly data?: unknown
  /** With `ERR_SCHEMA`: how the message differs from its schema. */
  declare readonly issues?: readonly SchemaIssue[]
  /** With `ERR_UNEXPECTED_END`: text received before the stream ended in the middle of a line. */
  declare readonly partial?: string

  constructor(code: FastnNetErrorCode, message: string, options: FastnNetErrorOptions = {}) {
    // An error must not fail for the details that it is given.
    const details: FastnNetErrorOptions = Object(options)
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    // Defines known details only, so that a printed error shows no undefined fields.
    for (const name of detailNames) {
      const value = details[name]
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true })
    }
    if (typeof this.errorCode === 'bigint') jsonSafe(this)
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'FastnNetError' })
    Object.defineProperty(this.prototype, brand, { value: true })
  }

  /** Also true for errors of another realm or another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== FastnNetError) return Function.prototype[Symbol.hasInstance].call(this, value)
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // A program may have thrown any object, even a revoked proxy.
      return false
    }
  }
}

/** Whether `error` is a {@link FastnNetError}. */
export function isFastnNetError(error: unknown): error is FastnNetError
/**
 * Whether `error` is a {@link FastnNetError} with this code. Narrows its type.
 *
 * @example
 * try {
 *   await endpoint.getStream(peer, 'Echo')
 * } catch (error) {
 *   if (!isFastnNetError(error, 'ERR_UNREACHABLE')) throw error
 * }
 */
export function isFastnNetError<Code extends FastnNetErrorCode>(
  error: unknown,
  code: Code
): error is FastnNetError & {
  /** The code passed to {@link isFastnNetError}. */
  readonly code: Code
}
export function isFastnNetError(error: unknown, code?: FastnNetErrorCode): boolean {
  return error instanceof FastnNetError && (code === undefined || error.code === code)
}

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Protocols with a reserved name. The library answers `Ping` itself; no handler receives it. */
export type UnitProtocol =
  | 'Ping'
  | 'WhatTimeIsIt'
  | 'Http'
  | 'HttpProxy'
  | 'Socks5'
  | 'Tcp'
  | 'DeviceToAccount'
  | 'AccountToAccount'
  | 'AccountToDevice'
  | 'RigControl'

/**
 * Protocol of a stream. Any string that is not empty is one:
 *
 * - the name of a {@link UnitProtocol} means that protocol
 * - any other string is the application's own protocol, and short for `{ Generic: string }`
 * - `{ Generic: value }` names the application's protocol with any JSON value
 *
 * To choose explicitly, use {@link Protocol.unit} or {@link Protocol.generic}: `Protocol.generic('Tcp')` is not `'Tcp'`.
 *
 * Results, such as `stream.protocol`, are strings wherever a string means the protocol, so `stream.protocol === 'Echo'` works. To
 * compare other values, use {@link Protocol.equals}: two Generic values are equal as JSON, in any key order.
 */
export type Protocol =
  | UnitProtocol
  // Keeps the names of unit protocols in an editor's completions.
  | (string & Record<never, never>)
  | {
      /** Name of the application's protocol: any JSON value. */
      readonly Generic: Json
    }

/** `Value` if it is representable as JSON, else `never`. Accepts interfaces, which are not assignable to {@link Json}. */
export type JsonOf<Value> = [Value] extends [Json]
  ? Value
  : Value extends (...parameters: never) => unknown
    ? never
    : Value extends object
      ? { readonly [Name in keyof Value]: JsonOf<Value[Name]> }
      : Extract<Value, Json>

/** Names of all {@link UnitProtocol}s. */
export const unitProtocols: readonly UnitProtocol[] = [
  'Ping',
  'WhatTimeIsIt',
  'Http',
  'HttpProxy',
  'Socks5',
  'Tcp',
  'DeviceToAccount',
  'AccountToAccount',
  'AccountToDevice',
  'RigControl'
]

/**
 * Constructors and comparison of protocols.
 *
 * @example
 * await endpoint.getStream(peer, Protocol.generic({ name: 'Echo', version: 2 }))
 */
export const Protocol: {
  /**
   * Unit protocol with this name: `Protocol.unit('Http')`.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `name` is not a {@link UnitProtocol}.
   */
  readonly unit: <Name extends UnitProtocol>(name: Name) => Name
  /** Application protocol `{ Generic: value }`: `Protocol.generic('Echo')`. */
  readonly generic: <const Value>(value: Value & JsonOf<Value>) => {
    /** Name of the application's protocol. */
    readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json
  }
  /**
   * Whether both mean the same protocol: `Protocol.equals('Echo', Protocol.generic('Echo'))` is true. Key order does not
   * matter. Compares numbers as JavaScript has them: a peer's 1.0 is 1.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for a value that JSON cannot represent.
   */
  readonly equals: (a: Protocol, b: Protocol) => boolean
} = Object.freeze({
  unit: <Name extends UnitProtocol>(name: Name): Name => {
    if (isUnit(name)) return name
    const names = unitProtocols.map(each => `'${each}'`).join(', ')
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `the name of a unit protocol must be one of ${names}`)
  },
  generic: <const Value>(
    value: Value & JsonOf<Value>
  ): { readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json } => ({ Generic: value as never }),
  equals: (a: Protocol, b: Protocol): boolean => builtin('node:util').isDeepStrictEqual(tagged(a), tagged(b))
})

/** A protocol as the header has it: a name, or a value with the tag `Generic`. */
function tagged(protocol: Protocol): unknown {
  if (typeof protocol === 'string') return isUnit(protocol) ? protocol : { Generic: protocol }
  try {
    return JSON.parse(JSON.stringify(protocol, refuseWhatJsonDrops))
  } catch (cause) {
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `not a protocol: ${firstLineOf(cause)}`, { cause })
  }
}

/** Whether a string is the name of a unit protocol. */
export function isUnit(name: string): name is UnitProtocol {
  return unitProtocols.includes(name as UnitProtocol)
}
