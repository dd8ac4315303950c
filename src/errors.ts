import { jsonSafe } from './util/display.js'

/**
 * Every code a {@link FastnNetError} can have, in the order of the core's table (`crates/fastn-net-proto/src/error.rs`).
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

/** Whatever JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The protocols that have a name of their own. `Ping` is answered by this library and reaches no handler. */
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
 * What a stream is for: one of the named protocols, or `{ Generic: … }` with any JSON value that two applications agree on.
 *
 * Two Generic protocols are the same when their values are equal as JSON: the order of keys does not matter.
 */
export type Protocol =
  | UnitProtocol
  | {
      /** What two applications agree on. */
      readonly Generic: Json
    }

/**
 * What calls take for a protocol. A text that names a unit protocol is that protocol; every other text is `{ Generic: text }`.
 * {@link Protocol.unit} and {@link Protocol.generic} say which one is meant. What calls give, as `stream.protocol`, is a
 * {@link Protocol}.
 */
export type ProtocolInput = Protocol | (string & Record<never, never>)

/** `Value`, if JSON can say it. An interface is one, although it is no {@link Json} for the compiler. */
export type JsonOf<Value> = [Value] extends [Json]
  ? Value
  : Value extends (...parameters: never) => unknown
    ? never
    : Value extends object
      ? { readonly [Name in keyof Value]: JsonOf<Value[Name]> }
      : Extract<Value, Json>

/** The names of all {@link UnitProtocol}s. */
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

/** Makes protocols. */
export const Protocol: {
  /** The unit protocol of that name: `Protocol.unit('Http')`. `ERR_INVALID_ARGUMENT` where there is none. */
  readonly unit: <Name extends UnitProtocol>(name: Name) => Name
  /** `{ Generic: value }`, an application's own protocol: `Protocol.generic('Echo')`. */
  readonly generic: <const Value>(value: Value & JsonOf<Value>) => {
    /** What two applications agree on. */
    readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json
  }
} = Object.freeze({
  unit: <Name extends UnitProtocol>(name: Name): Name => {
    if (unitProtocols.includes(name)) return name
    const names = unitProtocols.map(each => `'${each}'`).join(', ')
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `the name of a unit protocol must be one of ${names}`)
  },
  generic: <const Value>(
    value: Value & JsonOf<Value>
  ): { readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json } => ({ Generic: value as never })
})
