import type { ReadHalf } from '../stream/reader.js'
import { BadMessage, type Field, type Framing, fieldLines, parseHead, readHead } from './head.js'
import type { AnswerHead, RequestHead, Wire } from './wire.js'

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~\x80-\xff]+) HTTP\/(\d)\.(\d)$/
const statusLine = /^HTTP\/1\.1 ([1-5]\d\d)(?: ([\t -~\x80-\xff]*))?$/
const maxInterim = 16

/** HTTP/1.1, between peers of this library. */
export const http1: Wire = {
  unsized: 'chunked',

  async readRequest(reader: ReadHalf, maxBytes: number): Promise<RequestHead | null> {
    const read = await readHead(reader, maxBytes)
    if (read === null) return null
    if (read.rest.length > 0) reader.putBack(read.rest, false)
    const { start, fields, host, expect, framing, closes } = parseHead(read.text)
    const [, method = '', target = '', major, minor] = requestLine.exec(start) ?? []
    if (major === undefined) throw new BadMessage(400, 'the request line is malformed')
    if (major !== '1' || minor !== '1') throw new BadMessage(505, 'only HTTP/1.1 is supported')
    return { method, target, fields, host, expect, framing, closes }
  },

  async readAnswer(reader: ReadHalf, maxBytes: number, isWoken: boolean): Promise<AnswerHead | null> {
    let first = isWoken ? reader.readOnceWoken() : undefined
    for (let count = 0; count <= maxInterim; count++) {
      const read = await readHead(reader, maxBytes, first)
      first = undefined
      if (read === null) return null
      const { start, fields, host, expect, framing, closes } = parseHead(read.text)
      const [, code, statusText = ''] = statusLine.exec(start) ?? []
      if (code === undefined || code === '101') throw new BadMessage(502, 'its status line is malformed')
      if (!code.startsWith('1'))
        return { status: Number(code), statusText, fields, host, expect, framing, closes, rest: read.rest }
      if (read.rest.length > 0) reader.putBack(read.rest, false)
    }
    throw new BadMessage(502, 'it has too many interim answers')
  },

  requestHead(method: string, target: string, headers: Iterable<Field>, framing: Framing | undefined): string {
    return `${method} ${target} HTTP/1.1\r\n${fieldLines(headers, 'content-length')}${framingLine(framing)}\r\n`
  },

  answerHead(
    status: number,
    statusText: string,
    headers: Iterable<Field>,
    framing: Framing | undefined,
    continues: boolean
  ): string {
    const fields = fieldLines(headers, 'content-length')
    const date = `\r\n${fields}`.includes('\r\ndate: ') ? '' : dateLine()
    const lines = `${fields}${framingLine(framing)}${date}`
    return `HTTP/1.1 ${status} ${reasonOf(statusText)}\r\n${lines}${continues ? '' : 'connection: close\r\n'}\r\n`
  }
}

function framingLine(framing: Framing | undefined): string {
  if (typeof framing === 'number') return `content-length: ${framing}\r\n`
  return framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : ''
}

/** Empty if the text could be misparsed. */
function reasonOf(statusText: string): string {
  return /^[\t -~]*$/.test(statusText) ? statusText : ''
}

let date = ''
let dateUntil = 0

/** RFC 9110 requires it of a server with a clock. Formatted once a second. */
function dateLine(): string {
  const now = Date.now()
  if (now < dateUntil && dateUntil - now <= 1_000) return date
  dateUntil = now - (now % 1_000) + 1_000
  date = `date: ${new Date(now).toUTCString()}\r\n`
  return date
}
