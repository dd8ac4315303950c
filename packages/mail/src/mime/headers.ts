/** One field of a header. */
export interface HeaderField {
  /** Name in lower case. */
  readonly name: string
  /** Unfolded value, as a binary string. */
  readonly value: string
  /** Byte offsets of the field; the end is after its line break. */
  readonly start: number
  readonly end: number
}

/** Maximum parsed bytes of a header. The rest is still sent, but has no fields. */
const maxHeaderBytes = 1024 * 1024

/** Maximum parsed fields of a header. */
const maxFields = 5000

const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const tab = 0x09
const colon = 0x3a

/** Start of the body: after the first empty line from `start`, or `end` without one. */
export function findBody(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const isEmpty = bytes[at] === lineFeed || (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed)
    const feed = bytes.indexOf(lineFeed, at)
    if (feed === -1 || feed >= end) return end
    at = feed + 1
    if (isEmpty) return at
  }
  return end
}

/** Parses the header from `start` to `end`. Skips lines without a colon. */
export function parseHeader(bytes: Buffer, start: number, end: number): HeaderField[] {
  const fields: HeaderField[] = []
  const until = Math.min(end, start + maxHeaderBytes)
  let at = start
  while (at < until && fields.length < maxFields) {
    const next = endOfField(bytes, at, until)
    const split = at + bytes.subarray(at, next).indexOf(colon)
    if (split > at) {
      const name = bytes
        .toString('latin1', at, split)
        .replace(/[ \t]+$/, '')
        .toLowerCase()
      if (/^[\x21-\x7e]+$/.test(name))
        fields.push({ name, value: unfold(bytes.toString('latin1', split + 1, next)), start: at, end: next })
    }
    at = next
  }
  return fields
}

/** The first field's value, or `undefined`. */
export function fieldValue(fields: readonly HeaderField[], name: string): string | undefined {
  return fields.find(field => field.name === name)?.value
}

/** Unfolds, and collapses white space to one space, as other servers do. */
export function unfold(text: string): string {
  return text.replace(/[ \t\r\n]+/g, ' ').trim()
}

/** End of the field that begins at `start`, including continuation lines. */
function endOfField(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (;;) {
    const feed = bytes.indexOf(lineFeed, at)
    if (feed === -1 || feed >= end) return end
    at = feed + 1
    const next = bytes[at]
    if (at >= end || (next !== space && next !== tab)) return at
  }
}
