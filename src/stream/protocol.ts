import { FastnNetError, isUnit, type Protocol } from '../errors.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { BoundedMap } from '../util/bounded-map.js'
import { printable } from '../util/display.js'
import { firstLineOf, refuseWhatJsonDrops } from '../util/json.js'

// An error names the protocol of its stream, so the type is beside the errors.
export type { Json, Protocol } from '../errors.js'

/** A protocol and its header line. */
export interface Header {
  /** The protocol as users see it: a string wherever a string means it. */
  readonly protocol: Protocol
  /** Canonical JSON: equal protocols have equal text. */
  readonly json: string
  /** The header line, with its newline. */
  readonly line: Uint8Array
}

const encoder = new TextEncoder()
const most = 512
const longest = 1024
// By the string that the caller gave.
const texts = new BoundedMap<string, Header>(most)
// By the string of `{ Generic: string }`. Headers of other values are not cached.
const named = new BoundedMap<string, Header>(most)
// Of protocols that never change, by their object; `null` before the first use.
const constants = new WeakMap<object, Header | null>()

/** Caches the header of a protocol whose object, and all in it, stays as it is. */
export function cacheHeader(protocol: Exclude<Protocol, string>): void {
  constants.set(protocol, null)
}

/**
 * The header line of a protocol.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when it is neither a string nor `{ Generic: … }`.
 */
export function headerOf(protocol: Protocol): Header {
  if (typeof protocol === 'string') return texts.get(protocol) ?? make(protocol, texts, protocol)
  const name = nameOf(protocol)
  if (name === null) return constantHeader(protocol)
  // Built from the cache key: a getter of the caller's object may return another name next time.
  return named.get(name) ?? make(shortest({ Generic: name }), named, name)
}

/** The protocol of canonical JSON, as users see it. */
export function protocolFrom(json: string): Protocol {
  return shortest(JSON.parse(json) as Protocol)
}

/** A string wherever a string means the protocol, so that it can be compared with `===`. */
export function shortest(protocol: Protocol): Protocol {
  if (typeof protocol === 'string') return protocol
  const { Generic: name } = protocol
  return typeof name === 'string' && name !== 'Generic' && !isUnit(name) ? name : Object.freeze(protocol)
}

/** The protocol as programs write it, for messages: `'Echo'`, or JSON of an object. Same rules as `Display` in the core. */
export function shown(protocol: Protocol): string {
  return printable(typeof protocol === 'string' ? `'${protocol}'` : JSON.stringify(protocol))
}

/** The header line, followed by a line of extra data. */
export function lineWithExtra(header: Header, extra: string): Uint8Array {
  if (typeof extra !== 'string' || extra.includes('\n'))
    throw new FastnNetError('ERR_INVALID_ARGUMENT', 'options.extra must be a string of one line, without \\n')
  const more = encoder.encode(`${extra}\n`)
  const line = new Uint8Array(header.line.length + more.length)
  line.set(header.line)
  line.set(more, header.line.length)
  return line
}

function constantHeader(protocol: Exclude<Protocol, string>): Header {
  // Also null and undefined, which users pass by mistake.
  const known = constants.get(protocol as object)
  if (known !== null && known !== undefined) return known
  const header = make(protocol)
  if (known === null) constants.set(protocol, header)
  return header
}

function make(given: Protocol, known?: BoundedMap<string, Header>, key = ''): Header {
  const json = protocolText(given)
  // Never the caller's object, which may change.
  const protocol = typeof given === 'string' ? given : protocolFrom(json)
  const header = { protocol, json, line: encoder.encode(`${json}\n`) }
  if (key.length <= longest) known?.set(key, header)
  return header
}

function nameOf(protocol: Exclude<Protocol, string> | null | undefined): string | null {
  if (protocol === null || protocol === undefined) return null
  const { Generic: name } = protocol
  return typeof name === 'string' && Object.keys(protocol).length === 1 ? name : null
}

/**
 * The canonical JSON of a protocol, as in the header line. Equal protocols have equal JSON.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an object that is not `{ Generic: value }`, and for a value that JSON cannot
 * represent.
 */
export function protocolText(input: Protocol): string {
  const protocol = typeof input === 'string' ? tagged(input) : input
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
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for `'Generic'`, which names no protocol on its own, and for invalid Unicode.
 */
function tagged(text: string): Protocol {
  if (isUnit(text)) return text
  if (text === 'Generic') throw notAProtocol("'Generic' alone says nothing")
  if (/\p{Surrogate}/u.test(text)) throw notAProtocol('it has half of a surrogate pair')
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
