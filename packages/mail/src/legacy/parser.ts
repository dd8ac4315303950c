import { MailError } from '../errors.js'

/** The mail of an EmailDelivery message, besides its bytes. */
export interface LegacyEnvelope {
  readonly from: string
  readonly to: string
}

// Everything but the bytes of the message.
const maxRestBytes = 64 * 1024
const opening = /"raw_message"\s*:\s*\[$/
const [newline, comma, close, zero, nine] = [0x0a, 0x2c, 0x5d, 0x30, 0x39]
const spaces = new Set([0x20, 0x09, 0x0d])

/**
 * Reads the line of an EmailDelivery message, `{"Email":{"raw_message":[70,114,…],"envelope_from":"…","envelope_to":"…"}}`, as it arrives. The bytes of
 * the message come out as they are read: as JSON the line would take a hundred times their memory.
 */
export class LegacyParser {
  #rest = ''
  #number = -1
  #state: 'rest' | 'bytes' | 'behind' | 'done' = 'rest'
  #hasComma = false
  #isFirst = true
  /** Whether the whole line has been read. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /**
   * Reads a chunk, and returns the bytes of the message that it has.
   *
   * @throws {MailError} `ERR_INVALID_ARGUMENT` if the line is no such message. `ERR_TOO_LARGE` if it is too long besides its bytes.
   */
  read(chunk: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(chunk.length + 1)
    let length = 0
    for (const byte of chunk) {
      if (this.#state === 'done') break
      if (this.#state !== 'bytes') this.#readRest(byte)
      else if (byte >= zero && byte <= nine) this.#readDigit(byte)
      else if (byte === comma || byte === close) {
        if (this.#number >= 0) bytes[length++] = this.#number
        else if (byte === comma || !this.#isFirst) throw broken()
        this.#isFirst = false
        this.#number = -1
        this.#hasComma = false
        if (byte === close) {
          this.#state = 'behind'
          this.#rest += ']'
        }
      } else if (!spaces.has(byte)) throw broken()
      else if (this.#number >= 0) this.#hasComma = true
    }
    return bytes.subarray(0, length)
  }

  /** The envelope, once the line has ended. */
  envelope(): LegacyEnvelope {
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(this.#rest, 'latin1')))
    } catch {
      throw broken()
    }
    const email = (value as { Email?: Record<string, unknown> } | null)?.Email
    const { envelope_from: from, envelope_to: to, raw_message: raw } = email ?? {}
    if (typeof from !== 'string' || typeof to !== 'string' || !Array.isArray(raw) || raw.length > 0) throw broken()
    return { from, to }
  }

  #readRest(byte: number): void {
    if (byte === newline) {
      this.#state = 'done'
      return
    }
    this.#rest += String.fromCharCode(byte)
    if (this.#rest.length > maxRestBytes)
      throw new MailError('ERR_TOO_LARGE', 'the message has too much besides its bytes')
    // In a text of JSON, a quote has a backslash before it: this is the key.
    if (byte === 0x5b && this.#state === 'rest' && opening.test(this.#rest.slice(-64))) this.#state = 'bytes'
  }

  #readDigit(byte: number): void {
    // A space within a number.
    if (this.#hasComma) throw broken()
    this.#number = Math.max(0, this.#number) * 10 + byte - zero
    if (this.#number > 255) throw broken()
  }
}

function broken(): MailError {
  return new MailError('ERR_INVALID_ARGUMENT', 'this is no EmailDelivery message')
}
