import { createHash } from 'node:crypto'
import { Protocol } from 'fastn-net'

/** A request: its number as a line, a body up to the end; then the answer, up to the end. */
export const Numbered = Protocol.generic('Numbered')
/** The same, its number as the extra line, so that it is never sent a second time. */
export const NumberedExtra = Protocol.generic('NumberedExtra')
/** A number a line, each answered by that line. */
export const Chat = Protocol.generic('Chat')
/** The number as a line, then bytes that nobody reads for so many milliseconds. They are answered as a digest. */
export const Unread = (wait: number): Protocol => Protocol.generic({ unread: wait })
/** The number as a line, then the answer, of so many bytes. */
export const Bulk = (bytes: number): Protocol => Protocol.generic({ bulk: bytes })

/** What is asked with a number: small mostly, every sixteenth is large. */
export function bodyOf(number: string): Buffer {
  return bytesOf(`body of ${number}`)
}

/** What is answered to it. */
export function answerOf(number: string): Buffer {
  return bytesOf(`answer to ${number}`)
}

/** So many bytes that go with a number. */
export function bulkOf(number: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, `bulk of ${number}, `)
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function bytesOf(text: string): Buffer {
  const hash = createHash('sha256').update(text).digest()
  const size = hash.readUInt16LE(0)
  return Buffer.alloc(hash[2]! % 16 === 0 ? size * 4 : size % 1024, `${text}, `)
}
