import { FastnNetError } from '../errors.js'
import { BoundedMap } from '../util/bounded-map.js'
import { isConstant, type Protocol, protocolFrom, protocolText, shortForm } from './protocol.js'

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
const maxCachedHeaders = 512
/** Longest cached string, in UTF-16 units. */
const maxKeyLength = 1024
// By the string that the caller gave.
const headersByText = new BoundedMap<string, Header>(maxCachedHeaders)
// By the string of `{ Generic: string }`. Headers of other values are not cached.
const headersByName = new BoundedMap<string, Header>(maxCachedHeaders)
// Of protocols that never change, by their object.
const headersByObject = new WeakMap<object, Header>()

/**
 * The header line of a protocol.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when it is neither a string nor `{ Generic: … }`.
 */
export function headerOf(protocol: Protocol): Header {
  if (typeof protocol === 'string') return headersByText.get(protocol) ?? make(protocol, headersByText, protocol)
  const name = nameOf(protocol)
  if (name === null) return constantHeader(protocol)
  // Built from the cache key: a getter of the caller's object may return another name next time.
  return headersByName.get(name) ?? make(shortForm({ Generic: name }), headersByName, name)
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
  const known = headersByObject.get(protocol as object)
  if (known !== undefined) return known
  const header = make(protocol)
  if (isConstant(protocol)) headersByObject.set(protocol, header)
  return header
}

function make(given: Protocol, cache?: BoundedMap<string, Header>, key = ''): Header {
  const json = protocolText(given)
  // Never the caller's object, which may change.
  const protocol = typeof given === 'string' ? given : protocolFrom(json)
  const header = { protocol, json, line: encoder.encode(`${json}\n`) }
  if (key.length <= maxKeyLength) cache?.set(key, header)
  return header
}

function nameOf(protocol: Exclude<Protocol, string> | null | undefined): string | null {
  if (protocol === null || protocol === undefined) return null
  const { Generic: name } = protocol
  return typeof name === 'string' && Object.keys(protocol).length === 1 ? name : null
}
