import { PublicKey } from 'fastn-net'
import { parseAddresses } from './addresses.js'
import { decodeHeader } from './decode.js'

/** Maximum parsed bytes of a line, and of a From or Sender field. */
const maxFieldBytes = 256 * 1024
/** Fields that identify the author or sender. */
const nameOfAuthor = /^(?:from|sender)[ \t]*:/i

/** Streaming scanner for ID52s in the From and Sender fields of a message. Buffers at most a line and a field. */
export class Authors {
  readonly #found = new Set<string>()
  /** The incomplete line. A bare CR also ends a line: mail clients differ, and this reveals more fields. */
  #line = ''
  /** Bytes since the last line feed. */
  #sinceFeed = 0
  /** The From or Sender field that may continue. */
  #field: string | undefined
  #isTooLong = false
  #isBody = false

  /** Scans the next bytes. */
  read(chunk: Uint8Array): void {
    if (this.#isBody) return
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    let at = 0
    for (const { 0: end, index } of text.matchAll(/[\r\n]/g)) {
      this.#append(text, at, index)
      at = index + 1
      if (end === '\n' && (this.#sinceFeed === 0 || (this.#sinceFeed === 1 && this.#line === ''))) {
        this.#isBody = true
        return
      }
      this.#sinceFeed = end === '\n' ? 0 : this.#sinceFeed + 1
      this.#endLine()
    }
    this.#append(text, at, text.length)
  }

  /**
   * Ends the message. Returns a foreign ID52 from an address, a name or a comment, if there is one. Returns `'unknown'` for a field that
   * is too long.
   */
  foreign(isOwn: (id52: string) => boolean): string | undefined {
    this.#endLine()
    this.#endField()
    if (this.#isTooLong) return 'unknown'
    return [...this.#found].find(id52 => !isOwn(id52))
  }

  #append(text: string, start: number, end: number): void {
    this.#sinceFeed += end - start
    this.#line += text.slice(start, Math.min(end, start + maxFieldBytes - this.#line.length))
  }

  #endLine(): void {
    const line = this.#line
    this.#line = ''
    if (line === '') return
    const isMore = /^[ \t]/.test(line)
    if (!isMore) this.#endField()
    if (isMore ? this.#field === undefined : !nameOfAuthor.test(line)) return
    this.#field = `${this.#field ?? ''}${isMore ? line : line.slice(line.indexOf(':') + 1)}`
    this.#isTooLong ||= line.length >= maxFieldBytes || this.#field.length >= maxFieldBytes
    if (this.#isTooLong) this.#field = ''
  }

  #endField(): void {
    const field = this.#field
    this.#field = undefined
    if (field === undefined) return
    // Only some programs ignore comments and spaces inside a domain.
    const hosts = parseAddresses(field).map(({ host }) => host ?? '')
    for (const text of [field, decodeHeader(field), ...hosts])
      for (const [token] of text.matchAll(/(?<![\da-z])[\da-v]{51}[0g](?![\da-z])/gi)) this.#add(token)
  }

  #add(token: string): void {
    try {
      this.#found.add(PublicKey.from(token).id52)
    } catch {
      // Not a valid key.
    }
  }
}
