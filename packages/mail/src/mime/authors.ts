import { domainToUnicode } from 'node:url'
import { PublicKey } from 'fastn-net'
import { parseAddresses } from './addresses.js'
import { decodeHeader } from './decode.js'

/** Maximum parsed bytes of a line, and of a From or Sender field. */
const maxFieldBytes = 256 * 1024
/** Fields that identify the author or sender. */
const authorFields = ['from', 'sender']

/** Streaming scanner for ID52s in the From and Sender fields of a message. Buffers at most a line and a field. */
export class Authors {
  readonly #found = new Set<string>()
  /** The incomplete line. A bare CR also ends a line: mail clients differ, and this reveals more fields. */
  #line = ''
  /** Bytes since the last line feed. */
  #sinceFeed = 0
  /** The From or Sender field that may continue, with its name. */
  #field: string | undefined
  #hasFields = false
  #isTooLong = false
  #hasLookalike = false
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
   * is too long, or has what looks like an ID52.
   */
  foreign(isOwn: (id52: string) => boolean): string | undefined {
    this.#endLine()
    this.#endField()
    if (this.#isTooLong) return 'unknown'
    return [...this.#found].find(id52 => !isOwn(id52)) ?? (this.#hasLookalike ? 'unknown' : undefined)
  }

  #append(text: string, start: number, end: number): void {
    this.#sinceFeed += end - start
    this.#line += text.slice(start, Math.min(end, start + maxFieldBytes - this.#line.length))
  }

  #endLine(): void {
    const line = this.#line
    this.#line = ''
    if (line === '') return
    const isMore = this.#hasFields && /^[ \t]/.test(line)
    this.#hasFields = true
    if (isMore && this.#field === undefined) return
    if (!isMore) this.#endField()
    const field = `${this.#field ?? ''}${line}`
    if (!mayIdentify(field)) {
      this.#field = undefined
      return
    }
    this.#isTooLong ||= line.length >= maxFieldBytes || field.length >= maxFieldBytes
    this.#field = this.#isTooLong ? '' : field
  }

  #endField(): void {
    const field = this.#field
    this.#field = undefined
    if (field === undefined) return
    const value = field.slice(field.indexOf(':') + 1)
    // Only some programs ignore comments and spaces inside a domain.
    const hosts = parseAddresses(value).map(({ host }) => host ?? '')
    const decoded = decodeHeader(value)
    for (const text of [value, decoded, ...hosts])
      for (const form of [text, visible(text)])
        for (const [token] of form.matchAll(/(?<![\da-z])[\da-v]{51}[0g](?![\da-z])/gi)) this.#add(token)
    const shown = hosts.map(decodeHeader)
    this.#hasLookalike ||= [decoded, ...shown, ...shown.map(host => domainToUnicode(host))].some(hasLookalike)
  }

  #add(token: string): void {
    try {
      this.#found.add(PublicKey.from(token).id52)
    } catch {
      // Not a valid key.
    }
  }
}

/**
 * Whether a field, or its beginning, may be From or Sender. Mail clients differ in which other characters around or in a name they
 * ignore, and whether a name may be folded.
 */
function mayIdentify(field: string): boolean {
  const end = field.indexOf(':')
  const name = (end === -1 ? field : field.slice(0, end)).replace(/[^!-~]/g, '').toLowerCase()
  return authorFields.some(each => (end === -1 ? each.startsWith(name) : each === name))
}

/** The text as a reader may see it: without accents and invisible characters, and with compatible forms of letters as ASCII. */
function visible(text: string): string {
  return text.normalize('NFKD').replace(/[\p{Default_Ignorable_Code_Point}\p{C}\p{M}\\]/gu, '')
}

/** Whether a word is as long as an ID52, with letters or digits of ASCII and others, such as the Cyrillic а. */
function hasLookalike(text: string): boolean {
  for (const [word] of visible(text).matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]{52}(?![\p{L}\p{N}])/gu))
    if (/[\da-v]/i.test(word) && /[^\0-\x7f]/.test(word)) return true
  return false
}
