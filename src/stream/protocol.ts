import { FastnNetError } from '../errors.js'
import { native } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { oneOf } from '../util/validate.js'

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

const units: readonly UnitProtocol[] = [
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
    oneOf(units, name, 'the name of a unit protocol')
    return name
  },
  generic: <const Value>(
    value: Value & JsonOf<Value>
  ): { readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json } => ({ Generic: value as never })
})

/**
 * The protocol that a text means.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for `'Generic'`, which names no protocol by itself, and for what is not Unicode.
 */
export function protocolOf(text: string): Protocol {
  if (units.includes(text as UnitProtocol)) return text as UnitProtocol
  if (text === 'Generic') throw notAProtocol("'Generic' alone says nothing")
  if (/\p{Surrogate}/u.test(text)) throw notAProtocol('it has half of a surrogate pair')
  return Object.freeze({ Generic: text })
}

/**
 * The canonical JSON of a protocol: what goes over the wire, without the line's end. Equal protocols have equal texts.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when it is none: an object that is not `{ Generic: value }`, or a value that JSON
 * cannot say.
 */
export function protocolText(input: ProtocolInput): string {
  const protocol = typeof input === 'string' ? protocolOf(input) : input
  if (typeof protocol !== 'string' && !isTagged(protocol)) throw notAProtocol(`it is ${kindOf(protocol)}`)
  let json: string
  try {
    json = JSON.stringify(protocol, refuseWhatJsonDrops)
  } catch (cause) {
    // A circle, a bigint, or what the replacer or a toJSON threw.
    throw notAProtocol(cause instanceof Error ? cause.message : String(cause), cause)
  }
  const text = native().protocolHeader(json)
  if (text === null) throw lastFailure({})
  return text
}

/** An object with one key, as serde has it: `{ Generic: … }`, or `{ Http: null }`, which is 'Http' in a longer form. */
function isTagged(protocol: unknown): boolean {
  if (typeof protocol !== 'object' || protocol === null) return false
  const [name, ...others] = Object.keys(protocol)
  return others.length === 0 && (name === 'Generic' || units.includes(name as UnitProtocol))
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object' || value === null) return String(value)
  return `an object with the keys ${JSON.stringify(Object.keys(value))}`
}

// JSON.stringify leaves these out or makes them null, and two protocols that differ would become one.
function refuseWhatJsonDrops(key: string, value: unknown): unknown {
  const lost = ['undefined', 'function', 'symbol'].includes(typeof value)
  if (lost || (typeof value === 'number' && !Number.isFinite(value))) {
    const shown = typeof value === 'function' ? 'a function' : String(value)
    throw new TypeError(`JSON cannot say ${shown} (at ${JSON.stringify(key)})`)
  }
  return value
}

function notAProtocol(found: string, cause?: unknown): FastnNetError {
  return new FastnNetError(
    'ERR_INVALID_ARGUMENT',
    `not a protocol: ${found}; write 'NAME', Protocol.generic('NAME') or Protocol.generic(value)`,
    cause === undefined ? {} : { cause }
  )
}
