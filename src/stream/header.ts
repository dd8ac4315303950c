import { FastnNetError } from '../errors.js'
import { BoundedMap } from '../util/bounded-map.js'
import { type Protocol, type ProtocolInput, protocolOf, protocolText } from './protocol.js'

/** A protocol as it crosses the wire. */
export interface Header {
  /** The protocol, in the one form that users see. */
  readonly protocol: Protocol
  /** Canonical JSON: equal protocols have equal text. */
  readonly json: string
  /** The line, with its end. */
  readonly line: Uint8Array
}

const encoder = new TextEncoder()
const most = 512
const longest = 1024
// Those that were given as a text.
const texts = new BoundedMap<string, Header>(most)
// Those with a text as their Generic value. Values of other kinds are worked out each time.
const named = new BoundedMap<string, Header>(most)

/**
 * A protocol's header line.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` when it is neither a text nor `{ Generic: … }`.
 */
export function headerOf(protocol: ProtocolInput): Header {
  if (typeof protocol === 'string') return texts.get(protocol) ?? make(protocolOf(protocol), texts, protocol)
  const name = nameOf(protocol)
  if (name === null) return make(protocol)
  // Made of what is its key: the object itself may say another name when it is asked again.
  return named.get(name) ?? make(Object.freeze({ Generic: name }), named, name)
}

/** The header line with a line of extra data behind it. */
export function lineWithExtra(header: Header, extra: string): Uint8Array {
  if (typeof extra !== 'string' || extra.includes('\n'))
    throw new FastnNetError('ERR_INVALID_ARGUMENT', 'options.extra must be a string of one line, without \\n')
  const more = encoder.encode(`${extra}\n`)
  const line = new Uint8Array(header.line.length + more.length)
  line.set(header.line)
  line.set(more, header.line.length)
  return line
}

function make(protocol: Protocol, known?: BoundedMap<string, Header>, key = ''): Header {
  const json = protocolText(protocol)
  const header = { protocol, json, line: encoder.encode(`${json}\n`) }
  if (key.length <= longest) known?.set(key, header)
  return header
}

function nameOf(protocol: Exclude<ProtocolInput, string> | null | undefined): string | null {
  if (protocol === null || protocol === undefined) return null
  const { Generic: name } = protocol
  return typeof name === 'string' && Object.keys(protocol).length === 1 ? name : null
}
