import { createHash } from 'node:crypto'
import { Protocol } from 'fastn-net'

/** A request: its number as a line and a body; then the answer. */
export const Numbered = Protocol.generic('Numbered')
/** A request with its number as the extra line, so that it is never resent. */
export const NumberedExtra = Protocol.generic('NumberedExtra')
/** Echoes lines, each with a number. */
export const Chat = Protocol.generic('Chat')
/** The number as a line, then bytes that stay unread for some milliseconds. The answer is a digest. */
export const Unread = (wait: number): Protocol => Protocol.generic({ unread: wait })
/** The number as a line, then an answer of a given size. */
export const Bulk = (bytes: number): Protocol => Protocol.generic({ bulk: bytes })

/** Body of a numbered request. Small, but every sixteenth is large. */
export function bodyOf(number: string): Buffer {
  return bytesOf(`body of ${number}`)
}

/** Answer to a numbered request. */
export function answerOf(number: string): Buffer {
  return bytesOf(`answer to ${number}`)
}

/** Bytes derived from a number. */
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
