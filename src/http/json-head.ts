import { Buffer } from 'node:buffer'
import { isFastnNetError } from '../errors.js'
import type { ReadHalf } from '../stream/reader.js'
import { BadMessage, type Field, FieldList, type Fields, type Framing, isSendable, trimmed } from './head.js'
import type { AnswerHead, RequestHead, Wire } from './wire.js'

const none = new Uint8Array(0)
const method = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const target = /^[!-~\x80-\xff]+$/
// Each byte of a value takes up to four bytes, as in `255,`.
const growth = 4

/**
 * The protocol `Http` of older peers (docs/wire.md): a line of JSON in place of each head, with the values of fields as arrays of bytes, and a
 * body up to the FIN. It has no trailers and no interim answers.
 */
export const jsonHead: Wire = {
  unsized: 'fin',

  async readRequest(reader: ReadHalf, maxBytes: number): Promise<RequestHead | null> {
    const head = await readLine(reader, maxBytes)
    if (head === null) return null
    const { method: given, uri } = head
    if (typeof given !== 'string' || !method.test(given)) throw new BadMessage(400, 'the method is malformed')
    if (typeof uri !== 'string' || !target.test(uri)) throw new BadMessage(400, 'the URI is malformed')
    const fields = fieldsOf(head.headers, maxBytes)
    return { ...fields, method: given, target: uri, host: fields.host ?? '', expect: undefined }
  },

  async readAnswer(reader: ReadHalf, maxBytes: number): Promise<AnswerHead | null> {
    const head = await readLine(reader, maxBytes)
    if (head === null) return null
    const { status } = head
    if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
      throw new BadMessage(502, 'its status is malformed')
    return { status, statusText: '', ...fieldsOf(head.headers, maxBytes), rest: none }
  },

  requestHead(given: string, uri: string, headers: Iterable<Field>, framing: Framing | undefined): string {
    return line({ uri, method: given, headers: pairs(headers, framing) })
  },

  answerHead(status: number, _: string, headers: Iterable<Field>, framing: Framing | undefined): string {
    return line({ status, headers: pairs(headers, framing) })
  }
}

async function readLine(reader: ReadHalf, maxBytes: number): Promise<Record<string, unknown> | null> {
  let text: string | null
  try {
    text = await reader.line(maxBytes * growth)
  } catch (error) {
    if (isFastnNetError(error, 'ERR_LINE_TOO_LONG')) throw tooLong(maxBytes)
    if (isFastnNetError(error, 'ERR_UTF8')) throw new BadMessage(400, 'the head is not JSON')
    if (isFastnNetError(error, 'ERR_UNEXPECTED_END')) throw new BadMessage(400, 'the stream ended within the head')
    throw error
  }
  if (text === null) return null
  let head: unknown
  try {
    head = JSON.parse(text)
  } catch {
    throw new BadMessage(400, 'the head is not JSON')
  }
  if (typeof head !== 'object' || head === null) throw new BadMessage(400, 'the head is malformed')
  return head as Record<string, unknown>
}

/** The body ends with the FIN, but Content-Length is enforced if present. Codings belong to the backend's connection. */
function fieldsOf(headers: unknown, maxBytes: number): Fields {
  if (!Array.isArray(headers)) throw new BadMessage(400, 'the header fields are malformed')
  const fields = new FieldList()
  let size = 0
  for (const pair of headers as unknown[]) {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name !== 'string' || !Array.isArray(value) || !value.every(isByte))
      throw new BadMessage(400, 'a header field is malformed')
    size += name.length + value.length
    if (size > maxBytes) throw tooLong(maxBytes)
    if (name.toLowerCase() !== 'transfer-encoding') fields.add(name, trimmed(Buffer.from(value).toString('latin1'), 0))
  }
  return fields.checked()
}

function tooLong(maxBytes: number): BadMessage {
  return new BadMessage(431, `the head is longer than ${maxBytes} bytes`)
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}

function pairs(headers: Iterable<Field>, framing: Framing | undefined): unknown[] {
  const all: unknown[] = []
  for (const field of headers)
    if (isSendable(field, 'content-length')) all.push([field[0], [...Buffer.from(field[1], 'latin1')]])
  if (typeof framing === 'number') all.push(['content-length', [...Buffer.from(String(framing))]])
  return all
}

/** All parts are ASCII. */
function line(head: object): string {
  return `${JSON.stringify(head)}\n`
}
