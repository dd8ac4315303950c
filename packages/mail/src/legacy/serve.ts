import { createHash } from 'node:crypto'
import type { PeerStream } from 'fastn-net'
import { parseMailAddress } from '../address.js'
import type { Clock } from '../clock.js'
import { Slots } from '../deliver/slots.js'
import { MailError } from '../errors.js'
import type { OnEvent } from '../events.js'
import { patience } from '../protocol.js'
import type { IncomingFolder } from '../receive/incoming.js'
import { storeId } from '../receive/mail-id.js'
import type { Mailboxes } from '../receive/mailboxes.js'
import { LegacyParser } from './parser.js'

/** What happens to mail of peers of the original, whose senders are anonymous. */
export type LegacyMode = 'refuse' | 'junk' | 'accept'

/** What serves EmailDelivery. */
export interface LegacyOptions {
  readonly id52: string
  readonly mode: LegacyMode
  readonly mailboxes: Mailboxes
  readonly incoming: IncomingFolder
  readonly maxBytes: number
  /** Mails an hour, of all senders together: each mail of theirs comes from another key. */
  readonly perHour: number
  readonly clock: Clock
  readonly onEvent: OnEvent
}

const hour = 3_600_000
/** Mails that arrive at once. */
const slots = 4
/** The original's own limit of a line. */
const maxLineBytes = 100 * 1024 * 1024

/** Takes mail by the protocol EmailDelivery of the original. */
export class LegacyServer {
  readonly #options: LegacyOptions
  readonly #slots = new Slots(slots)
  #left: number
  #at: number

  constructor(options: LegacyOptions) {
    this.#options = options
    this.#left = options.perHour
    this.#at = options.clock.elapsed()
  }

  /** Handles a stream. A refusal has the error shape: its sender takes every other answer for success. */
  async handle(stream: PeerStream): Promise<void> {
    const { mode, onEvent } = this.#options
    const free = await this.#slots.take()
    try {
      if (mode === 'refuse') throw new MailError('ERR_UNAUTHORIZED', 'mail without a known sender is refused')
      if (!this.#take()) throw new MailError('ERR_BUSY', 'too many mails without a known sender')
      const id = await this.#receive(stream)
      await stream.finish(`${JSON.stringify({ email_id: id, status: 'accepted' })}\n`)
      onEvent({ type: 'received', id, peer: stream.remoteId52, status: 'stored', code: 'legacy' })
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      const message = `Processing failed: ${error.message}`
      await stream.finish(`${JSON.stringify({ message, code: 'PROCESSING_ERROR' })}\n`)
      onEvent({ type: 'received', id: '', peer: stream.remoteId52, status: 'refused', code: error.code })
    } finally {
      free()
    }
  }

  async #receive(stream: PeerStream): Promise<string> {
    const { incoming, maxBytes, mode } = this.#options
    const parser = new LegacyParser()
    const hash = createHash('sha256')
    // As JSON, a byte has up to four.
    const signal = patience(4 * maxBytes)
    const path = incoming.newPath()
    let [line, size] = [0, 0]
    try {
      await incoming.write(path, async write => {
        while (!parser.isDone) {
          const chunk = await stream.read({ signal })
          if (chunk === null) break
          line += chunk.length
          const bytes = parser.read(chunk)
          size += bytes.length
          if (size > maxBytes || line > maxLineBytes)
            throw new MailError('ERR_TOO_LARGE', `at most ${maxBytes} bytes are taken`)
          hash.update(bytes)
          await write(bytes)
        }
      })
      const { from, to } = parser.envelope()
      const mailbox = this.#mailboxOf(to)
      // A sender that has lost the answer sends the same bytes again. It has no id for them.
      const id = storeId('legacy', `${from}\n${mailbox.name}\n${hash.digest('hex')}`)
      const folder = mode === 'junk' ? { mailbox: 'Junk' } : {}
      await mailbox.store.deliver({ id, ...folder, content: { file: path } })
      return id
    } finally {
      await incoming.remove({ file: path })
    }
  }

  /** The original sends every mail to `user@<id52>.local`: without such a user it is the one that has all other addresses. */
  #mailboxOf(to: string) {
    const { id52, alias } = parseMailAddress(to)
    const mailbox = id52 === this.#options.id52 ? this.#options.mailboxes.find(alias) : undefined
    if (mailbox === undefined) throw new MailError('ERR_INVALID_ARGUMENT', 'there is no such mailbox')
    return mailbox
  }

  #take(): boolean {
    const { clock, perHour } = this.#options
    const now = clock.elapsed()
    this.#left = Math.min(perHour, this.#left + ((now - this.#at) * perHour) / hour)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
