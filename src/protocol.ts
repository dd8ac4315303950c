import { lastFailure } from './bridge/failure.js'
import { FastnNetError } from './errors.js'
import { native } from './native.js'

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

/** Makes protocols. */
export const Protocol: {
  /** `{ Generic: value }`, an application's own protocol: `Protocol.generic('Echo')`. */
  readonly generic: <const Value extends Json>(
    value: Value
  ) => {
    /** What two applications agree on. */
    readonly Generic: Value
  }
} = Object.freeze({
  generic: <const Value extends Json>(value: Value): { readonly Generic: Value } => ({ Generic: value })
})

/**
 * The canonical JSON of a protocol: what goes over the wire, without the line's end. Equal protocols have equal texts.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when it is none: an unknown name, or a value that JSON cannot say.
 */
export function protocolText(protocol: Protocol): string {
  let json: string | undefined
  try {
    json = JSON.stringify(protocol, refuseWhatJsonDrops)
  } catch (cause) {
    // A circle, a bigint, or what the replacer or a toJSON threw.
    throw notAProtocol(cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (json === undefined) throw notAProtocol(`${typeof protocol} was given`)
  const text = native().protocolHeader(json)
  if (text === null) throw lastFailure({})
  return text
}

// JSON.stringify leaves these out or makes them null, and two protocols that differ would become one.
function refuseWhatJsonDrops(key: string, value: unknown): unknown {
  const lost = ['undefined', 'function', 'symbol'].includes(typeof value)
  if (lost || (typeof value === 'number' && !Number.isFinite(value))) {
    throw new TypeError(`JSON cannot say ${String(value)}${key === '' ? '' : ` (at ${JSON.stringify(key)})`}`)
  }
  return value
}

function notAProtocol(found: string, cause?: unknown): FastnNetError {
  return new FastnNetError(
    'ERR_INVALID_ARGUMENT',
    `not a protocol: ${found}; give a name, as in 'Http', or Protocol.generic(value)`,
    cause === undefined ? {} : { cause }
  )
}
