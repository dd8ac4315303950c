import { createHash } from 'node:crypto'
import type { PeerStream } from 'fastn-net'
import { parseMailAddress } from '../address.js'
import type { Clock } from '../clock.js'
import { MailError } from '../errors.js'
import type { OnEvent } from '../events.js'
import { patience } from '../protocol.js'
import type { IncomingFolder } from '../receive/incoming.js'
import { storeId } from '../receive/mail-id.js'
import type { Mailboxes } from '../receive/mailboxes.js'
import { Slots } from '../slots.js'
import { LegacyParser } from './parser.js'

/** Handling of mail from peers of the original, whose senders are anonymous. */
export type LegacyMode = 'refuse' | 'junk' | 'accept'

/** Settings of EmailDelivery. */
export interface LegacyOptions {
  readonly id52: string
  readonly mode: LegacyMode
  readonly mailboxes: Mailboxes
  readonly incoming: IncomingFolder
  readonly maxBytes: number
  /** Mails per hour from all senders together, because each mail has a new key. */
  readonly perHour: number
  readonly clock: Clock
  readonly onEvent: OnEvent
}

const hour = 3_600_000
/** Maximum concurrent mails. */
const slots = 4
/** Line limit of the original. */
const maxLineBytes = 100 * 1024 * 1024

/** Accepts mail over the original's protocol EmailDelivery. */
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

  /** Handles a stream. A refusal uses the error shape, because the sender treats any other answer as success. */
  async handle(stream: PeerStream): Promise<void> {
    const { mode, onEvent } = this.#options
    const free = await this.#slots.take()
    try {
      if (mode === 'refuse') throw new MailError('ERR_UNAUTHORIZED', 'mail from anonymous senders is refused')
      if (!this.#take()) throw new MailError('ERR_BUSY', 'too many mails from anonymous senders; try again later')
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
    // One byte takes up to four characters in JSON.
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
      // The protocol has no IDs. After a lost answer, the sender repeats the same bytes.
      const id = storeId('legacy', `${from}\n${mailbox.name}\n${hash.digest('hex')}`)
      const folder = mode === 'junk' ? { mailbox: 'Junk' } : {}
      await mailbox.store.deliver({ id, ...folder, content: { file: path } })
      return id
    } finally {
      await incoming.remove({ file: path })
    }
  }

  /** The original sends every mail to `user@<id52>.local`: without such a user, use the one with the alias `'*'`. */
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
