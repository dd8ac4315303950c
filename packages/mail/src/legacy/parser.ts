import { MailError } from '../errors.js'

/** Envelope of an EmailDelivery message. */
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
 * Incremental parser of an EmailDelivery message, `{"Email":{"raw_message":[70,114,…],"envelope_from":"…","envelope_to":"…"}}`, one line of JSON. Emits the bytes of
 * the message as they arrive: parsed as JSON, the line would take a hundred times their memory.
 */
export class LegacyParser {
  #rest = ''
  #number = -1
  #state: 'rest' | 'bytes' | 'behind' | 'done' = 'rest'
  #hasComma = false
  #isFirst = true
  /** Whether the whole line was parsed. */
  get isDone(): boolean {
    return this.#state === 'done'
  }

  /**
   * Parses a chunk, and returns its bytes of the message.
   *
   * @throws {MailError} `ERR_INVALID_ARGUMENT` if the line is malformed. `ERR_TOO_LARGE` if the rest of the line is too long.
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
      throw new MailError('ERR_TOO_LARGE', 'the envelope of the message is too long')
    // JSON strings escape quotes, so this is the key.
    if (byte === 0x5b && this.#state === 'rest' && opening.test(this.#rest.slice(-64))) this.#state = 'bytes'
  }

  #readDigit(byte: number): void {
    // Space within a number.
    if (this.#hasComma) throw broken()
    this.#number = Math.max(0, this.#number) * 10 + byte - zero
    if (this.#number > 255) throw broken()
  }
}

function broken(): MailError {
  return new MailError('ERR_INVALID_ARGUMENT', 'this is not an EmailDelivery message')
}
