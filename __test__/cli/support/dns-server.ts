import { createSocket } from 'node:dgram'
import type { ExecutionContext } from 'ava'

/** The server's answer: the strings of each TXT record, a response code, or silence. */
export type DnsAnswer = readonly (readonly string[])[] | { readonly code: number } | 'silence'

/** A DNS server on loopback that answers TXT questions. Returns its `address:port`. Closed when the test ends. */
export async function dnsServer(t: ExecutionContext, answers: Readonly<Record<string, DnsAnswer>>): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const answer = answers[nameOf(question)] ?? { code: 3 }
    if (answer !== 'silence') socket.send(response(question, answer), port, address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => void socket.close())
  return `127.0.0.1:${socket.address().port}`
}

/** The name in a question, which starts at byte 12. */
function nameOf(question: Buffer): string {
  const labels: string[] = []
  for (let at = 12; question[at] !== 0; at += question[at]! + 1) {
    labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!))
  }
  return labels.join('.')
}

function response(question: Buffer, answer: Exclude<DnsAnswer, 'silence'>): Buffer {
  const end = question.indexOf(0, 12) + 5
  const header = Buffer.from(question.subarray(0, 12))
  const records = 'code' in answer ? [] : answer
  header.writeUInt16BE(0x8180 | ('code' in answer ? answer.code : 0), 2)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, question.subarray(12, end), ...records.map(record)])
}

/** A TXT record, whose name points to the question. */
function record(strings: readonly string[]): Buffer {
  const data = Buffer.concat(
    strings.map(text => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]))
  )
  const fields = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0])
  fields.writeUInt16BE(data.length, 10)
  return Buffer.concat([fields, data])
}
