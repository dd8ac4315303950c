import { FastnNetError, isUnit, type Protocol } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { printable } from '../util/display.js'
import { firstLineOf, refuseWhatJsonDrops } from '../util/json.js'

// An error names the protocol of its stream, so the type is beside the errors.
export type { Json, Protocol } from '../errors.js'

const constants = new WeakSet<Exclude<Protocol, string>>()

/** Marks a protocol whose object, and all in it, stays as it is: its header is made only once. */
export function setConstant(protocol: Exclude<Protocol, string>): void {
  constants.add(protocol)
}

/** Whether a protocol is marked with {@link setConstant}. */
export function isConstant(protocol: Exclude<Protocol, string>): boolean {
  return constants.has(protocol)
}

/** The protocol of canonical JSON, as users see it. */
export function protocolFrom(json: string): Protocol {
  return shortForm(JSON.parse(json) as Protocol)
}

/** A string wherever a string means the protocol, so that it can be compared with `===`. */
export function shortForm(protocol: Protocol): Protocol {
  if (typeof protocol === 'string') return protocol
  const { Generic: name } = protocol
  const isShort = typeof name === 'string' && name !== '' && name !== 'Generic' && !isUnit(name)
  return isShort ? name : Object.freeze(protocol)
}

/** The protocol as programs write it, for messages: `'Echo'`, or JSON of an object. Same rules as `Display` in the core. */
export function describeProtocol(protocol: Protocol): string {
  return printable(typeof protocol === 'string' ? `'${protocol}'` : JSON.stringify(protocol))
}

/**
 * The canonical JSON of a protocol, as in the header line. Equal protocols have equal JSON.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an object that is not `{ Generic: value }`, and for a value that JSON cannot
 * represent.
 */
export function protocolText(input: Protocol): string {
  const protocol = typeof input === 'string' ? longForm(input) : input
  if (typeof protocol !== 'string' && !isTagged(protocol)) throw notAProtocol(`it is ${kindOf(protocol)}`)
  let json: string
  try {
    json = JSON.stringify(protocol, refuseWhatJsonDrops)
  } catch (cause) {
    // A cycle, a bigint, or an error of the replacer or of a toJSON.
    throw notAProtocol(firstLineOf(cause), cause)
  }
  const text = native().protocolHeader(json)
  if (text === null) throw lastFailure({})
  return text
}

/**
 * The long form of a protocol that is a string.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for `''` and `'Generic'`, which name no protocol, and for invalid Unicode.
 */
function longForm(text: string): Protocol {
  if (isUnit(text)) return text
  if (text === '') throw notAProtocol('it is an empty string')
  if (text === 'Generic') throw notAProtocol("'Generic' alone says nothing")
  if (/[\ud800-\udfff]/u.test(text)) throw notAProtocol('it has half of a surrogate pair')
  return { Generic: text }
}

/** Whether it is an object with one key, as serde writes an enum: `{ Generic: … }`, or `{ Http: null }`, the long form of 'Http'. */
function isTagged(protocol: unknown): boolean {
  if (typeof protocol !== 'object' || protocol === null) return false
  const [name, ...others] = Object.keys(protocol)
  return others.length === 0 && (name === 'Generic' || (name !== undefined && isUnit(name)))
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return printable(String(value))
  return `an object with the keys ${JSON.stringify(Object.keys(value))}`
}

function notAProtocol(found: string, cause?: unknown): FastnNetError {
  return new FastnNetError(
    'ERR_INVALID_ARGUMENT',
    `not a protocol: ${found}; write 'NAME', Protocol.generic('NAME') or Protocol.generic(value)`,
    cause === undefined ? {} : { cause }
  )
}
