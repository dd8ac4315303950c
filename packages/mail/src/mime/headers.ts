/** One field of a header. */
export interface HeaderField {
  /** Name in lower case. */
  readonly name: string
  /** Value with its folding removed, one character a byte. */
  readonly value: string
  /** Where the field begins and ends, in the bytes it was read from; the end is behind its line break. */
  readonly start: number
  readonly end: number
}

/** Bytes of a header that are taken apart. What follows is still sent, but has no fields. */
const maxHeaderBytes = 1024 * 1024

/** Fields of a header that are taken apart. */
const maxFields = 5000

const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const tab = 0x09
const colon = 0x3a

/** Where the body begins: behind the empty line from `start` on, or at `end` if there is none. */
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

/** Takes the header from `start` to `end` apart. Lines without a colon are passed over. */
export function parseHeader(bytes: Buffer, start: number, end: number): HeaderField[] {
  const fields: HeaderField[] = []
  const until = Math.min(end, start + maxHeaderBytes)
  let at = start
  while (at < until && fields.length < maxFields) {
    const next = endOfField(bytes, at, until)
    const split = at + bytes.subarray(at, next).indexOf(colon)
    if (split > at) {
      const name = bytes.toString('latin1', at, split).trimEnd().toLowerCase()
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

/** Removes the line breaks of folding, and makes one space of white space, as other servers do. */
export function unfold(text: string): string {
  return text.replace(/[ \t\r\n]+/g, ' ').trim()
}

/** Behind the field that begins at `start`, with the lines that continue it. */
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
