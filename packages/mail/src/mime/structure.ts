import { fieldValue, findBody, type HeaderField, parseHeader } from './headers.js'
import { type Parameterised, parameterOf, parseParameters } from './parameters.js'

/** A part of a message, with its byte offsets. */
export interface Part {
  /** Start of the header. */
  readonly start: number
  /** Start of the body. */
  readonly body: number
  readonly end: number
  readonly fields: readonly HeaderField[]
  /** Content type, in lower case. */
  readonly type: string
  readonly subtype: string
  readonly contentType: Parameterised
  /** Parts of a multipart. */
  readonly parts: readonly Part[]
  /** The message in a part of type message/rfc822. */
  readonly message: Part | undefined
  /** Line feeds of the body, for parts without {@link parts}. */
  readonly lines: number
}

/** Maximum parsed parts of a message. Further ones belong to the last. */
export const maxParts = 1000
/** Maximum nesting of parts. Deeper ones are treated as text. */
export const maxDepth = 32
/** Maximum length of a boundary. RFC 2046 allows 70. */
const maxBoundaryBytes = 200

interface Walk {
  readonly bytes: Buffer
  parts: number
}

/** Parses the structure of a message, in time linear in its size times the depth of its multiparts. */
export function parseStructure(bytes: Buffer): Part {
  return parsePart({ bytes, parts: 0 }, 0, bytes.length, 0, 'text/plain')
}

function parsePart(walk: Walk, start: number, end: number, depth: number, defaultType: string): Part {
  walk.parts++
  const body = findBody(walk.bytes, start, end)
  const fields = parseHeader(walk.bytes, start, body)
  const given = parseParameters(fieldValue(fields, 'content-type') ?? defaultType)
  const [, type = 'text', subtype = 'plain'] = /^([\x21-\x7e]+?)\/([\x21-\x7e]+)/.exec(given.value.toLowerCase()) ?? []
  const part = { start, body, end, fields, type, subtype, contentType: given }
  const leaf = { ...part, parts: [], message: undefined, lines: 0 }
  const isMultipart = type === 'multipart'
  const isMessage = type === 'message' && (subtype === 'rfc822' || subtype === 'global')
  if (!isMultipart && !isMessage) return { ...leaf, lines: type === 'text' ? countLines(walk.bytes, body, end) : 0 }
  if (depth < maxDepth && walk.parts < maxParts) {
    if (isMessage) {
      const encoding = fieldValue(fields, 'content-transfer-encoding')?.toLowerCase() ?? '7bit'
      // Offsets cannot address an encoded message, and RFC 2046 forbids it.
      if (encoding !== 'base64' && encoding !== 'quoted-printable') {
        const message = parsePart(walk, body, end, depth + 1, 'text/plain')
        return { ...leaf, message, lines: countLines(walk.bytes, body, end) }
      }
    } else {
      const boundary = parameterOf(given, 'boundary')?.trimEnd()
      const inner = subtype === 'digest' ? 'message/rfc822' : 'text/plain'
      const parts = boundary ? partsOf(walk, boundary.slice(0, maxBoundaryBytes), body, end, depth + 1, inner) : []
      if (parts.length > 0) return { ...leaf, parts }
    }
  }
  // Treat unparsable parts as text, for example a multipart without a boundary.
  if (isMessage) return { ...leaf, type: 'application', subtype: 'octet-stream' }
  return { ...leaf, type: 'text', subtype: 'plain', lines: countLines(walk.bytes, body, end) }
}

function countLines(bytes: Buffer, start: number, end: number): number {
  let lines = 0
  const range = bytes.subarray(start, end)
  for (let at = range.indexOf(0x0a); at !== -1; at = range.indexOf(0x0a, at + 1)) lines++
  return lines
}

function partsOf(walk: Walk, boundary: string, start: number, end: number, depth: number, inner: string): Part[] {
  // Search only within the part. A missing delimiter would otherwise cost a scan to the end of the message each time.
  const bytes = walk.bytes.subarray(0, end)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Part[] = []
  let open: number | undefined
  let at = start
  while (at < end) {
    const found = bytes.indexOf(delimiter, at)
    if (found === -1) break
    at = found + delimiter.length
    const isLineStart = found === start || bytes[found - 1] === 0x0a
    const after = isLineStart ? lineAfter(bytes, at, end) : undefined
    if (!after) continue
    if (open !== undefined) parts.push(parsePart(walk, open, beforeBreak(bytes, open, found), depth, inner))
    open = after.isLast ? undefined : after.next
    at = after.next
    if (after.isLast || walk.parts >= maxParts) break
  }
  // The closing delimiter is missing, or the limit of parts is reached.
  if (open !== undefined) parts.push(parsePart(walk, open, end, depth, inner))
  return parts
}

/** The rest of a delimiter's line: empty or `--`, then spaces. `undefined` if the line is not a delimiter. */
function lineAfter(bytes: Buffer, at: number, end: number): { isLast: boolean; next: number } | undefined {
  const feed = bytes.indexOf(0x0a, at)
  const next = feed === -1 || feed >= end ? end : feed + 1
  const isLast = bytes[at] === 0x2d && bytes[at + 1] === 0x2d
  let from = isLast ? at + 2 : at
  while (from < next && [0x20, 0x09, 0x0d, 0x0a].includes(bytes[from] as number)) from++
  return from >= next ? { isLast, next } : undefined
}

/** The line break before a delimiter belongs to the delimiter. */
function beforeBreak(bytes: Buffer, start: number, found: number): number {
  if (found - 2 >= start && bytes[found - 2] === 0x0d) return found - 2
  return Math.max(start, found - 1)
}

/**
 * Returns the part with a number such as `[1, 2]`, for `BODY[1.2]`. Numbers pass through a message/rfc822 to the parts of its message. Returns
 * `undefined` if the part does not exist.
 */
export function findPart(root: Part, numbers: readonly number[]): Part | undefined {
  let at: Part | undefined = root
  let isOwn = false
  for (const [index, number] of numbers.entries()) {
    const holder: Part | undefined = index > 0 && at?.message ? at.message : at
    if (!holder || isOwn) return undefined
    if (holder.parts.length > 0) at = holder.parts[number - 1]
    else {
      // A message without parts is its own part 1.
      at = number === 1 ? holder : undefined
      isOwn = !holder.message
    }
  }
  return at
}
