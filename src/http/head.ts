import { Buffer } from 'node:buffer'
import type { ReadHalf } from '../stream/reader.js'

/** A peer's message that is not valid HTTP, or exceeds a limit. A server answers with `status`. */
export class BadMessage extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Length of a body: in bytes, `'chunked'`, or up to the FIN. */
export type Framing = number | 'chunked' | 'fin'

/** A header field, its name in lower case. */
export type Field = readonly [name: string, value: string]

/** The fields of a message, and the framing that they declare. */
export interface Fields {
  /** Without those of {@link hopByHop}, and those that `Connection` names. */
  readonly fields: readonly Field[]
  readonly host: string | undefined
  readonly expect: string | undefined
  /** Undefined without Content-Length and Transfer-Encoding. */
  readonly framing: number | 'chunked' | undefined
  /** `Connection: close`. */
  readonly closes: boolean
}

/** Start line and fields of a message. */
export interface Head extends Fields {
  /** `''` where none was given. */
  readonly start: string
}

/** The text of a head without the empty line, and the bytes that were read after it. */
export interface HeadText {
  readonly text: string
  readonly rest: Uint8Array<ArrayBuffer>
}

const maxFields = 1_000
const newline = '\r\n'
const endOfHead = '\r\n\r\n'
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t -~\x80-\xff]*$/
const bareNewline = /[^\r]\n/

/** Hop-by-hop fields. They never reach a handler or a caller, and are never accepted from them. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

/** Reads a head. `null` at EOF. Bytes are Latin-1, as in `Headers`. `first`: its first read. */
export async function readHead(
  reader: ReadHalf,
  maxBytes: number,
  first: Promise<Uint8Array<ArrayBuffer> | null> = reader.read()
): Promise<HeadText | null> {
  let text = ''
  for (let next = first; ; next = reader.read()) {
    const chunk = await next
    if (chunk === null) {
      if (text === '') return null
      throw new BadMessage(400, 'the stream ended within the head')
    }
    const from = Math.max(text.length - 3, 0)
    text += latin1(chunk)
    const end = text.indexOf(endOfHead, from)
    if (end > maxBytes || (end < 0 && text.length > maxBytes))
      throw new BadMessage(431, `the head is longer than ${maxBytes} bytes`)
    if (end >= 0) return { text: text.slice(0, end), rest: chunk.subarray(chunk.length - (text.length - end - 4)) }
    // Otherwise the head would never end.
    if (text.startsWith('\n') || bareNewline.test(text.slice(Math.max(from - 1, 0))))
      throw new BadMessage(400, 'a line ends without CR')
  }
}

/** Parses a head. Rejects input that implementations could interpret differently. */
export function parseHead(text: string): Head {
  const startEnd = lineEnd(text, 0)
  const fields = new FieldList()
  for (let at = startEnd + newline.length; at <= text.length; ) {
    const end = lineEnd(text, at)
    const colon = text.indexOf(':', at)
    if (colon < 0 || colon > end) throw malformedField()
    fields.add(text.slice(at, colon), trimmed(text, colon + 1, end))
    at = end + newline.length
  }
  return fields.checked(text.slice(0, startEnd))
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf(newline, from)
  return end < 0 ? text.length : end
}

/** Collects the fields of a head and their framing. */
export class FieldList {
  #fields: Field[] = []
  #length: number | undefined
  #codings: string | undefined
  #host: string | undefined
  #expect: string | undefined
  #connection = ''
  #count = 0

  add(given: string, value: string): void {
    if (++this.#count > maxFields) throw new BadMessage(431, `the head has more than ${maxFields} fields`)
    if (!token.test(given) || !fieldValue.test(value)) throw malformedField()
    const name = given.toLowerCase()
    switch (name) {
      case 'content-length':
        if (this.#length !== undefined || !/^\d{1,15}$/.test(value))
          throw new BadMessage(400, 'Content-Length is malformed')
        this.#length = Number(value)
        break
      case 'transfer-encoding':
        if (this.#codings !== undefined) throw new BadMessage(400, 'Transfer-Encoding is repeated')
        this.#codings = value.toLowerCase()
        break
      case 'connection':
        this.#connection += `,${value.toLowerCase()}`
        break
      case 'host':
        if (this.#host !== undefined) throw new BadMessage(400, 'Host is repeated')
        this.#host = value
        break
      case 'expect':
        this.#expect = this.#expect === undefined ? value : `${this.#expect}, ${value}`
    }
    if (!hopByHop.has(name)) this.#fields.push([name, value])
  }

  checked(start = ''): Head {
    const [length, codings] = [this.#length, this.#codings]
    if (codings !== undefined && length !== undefined)
      throw new BadMessage(400, 'Content-Length and Transfer-Encoding exclude each other')
    if (codings !== undefined && codings !== 'chunked')
      throw new BadMessage(501, 'the only Transfer-Encoding supported is chunked')
    const connection = this.#connection === '' ? undefined : this.#connection.split(/[\t ]*,[\t ]*/)
    return {
      start,
      fields: connection === undefined ? this.#fields : endToEnd(this.#fields, connection),
      host: this.#host,
      expect: this.#expect,
      framing: codings === undefined ? length : 'chunked',
      closes: connection?.includes('close') === true
    }
  }
}

/** Without the fields that `Connection` names. */
function endToEnd(fields: readonly Field[], named: readonly string[]): readonly Field[] {
  const dropped = new Set(named)
  // Dropping these would change the message.
  for (const name of ['host', 'content-length']) dropped.delete(name)
  return fields.filter(([name]) => !dropped.has(name))
}

/** Whether a field may be sent: hop-by-hop fields and `without` may not. */
export function isSendable([name, value]: Field, without?: string): boolean {
  if (name === without || hopByHop.has(name)) return false
  if (!token.test(name) || !fieldValue.test(value)) throw new TypeError(`the header '${name}' has an invalid value`)
  return true
}

/** The fields of a message, each as a line. Hop-by-hop fields and `without` are left out. */
export function fieldLines(headers: Iterable<Field>, without?: string): string {
  let lines = ''
  for (const field of headers) if (isSendable(field, without)) lines += `${field[0]}: ${field[1]}\r\n`
  return lines
}

/** A head and the bytes after it, in one piece. */
export function encoded(head: string, body?: Uint8Array): Uint8Array {
  if (body === undefined || body.length === 0) return Buffer.from(head, 'latin1')
  const bytes = Buffer.allocUnsafe(head.length + body.length)
  bytes.write(head, 'latin1')
  bytes.set(body, head.length)
  return bytes
}

function latin1({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}

function malformedField(): BadMessage {
  return new BadMessage(400, 'a header field is malformed')
}

/** Trims spaces and tabs. Not `trim`, which also removes 0xA0, a part of many UTF-8 characters. */
export function trimmed(line: string, start: number, end: number = line.length): string {
  let [from, to] = [start, end]
  while (from < to && isBlank(line.charCodeAt(from))) from++
  while (from < to && isBlank(line.charCodeAt(to - 1))) to--
  return line.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
