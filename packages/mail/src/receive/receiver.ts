import { isFastnNetError, type PeerStream } from 'fastn-net'
import type { Account } from 'fastn-net/account'
import { parseMailAddress } from '../address.js'
import { MailError } from '../errors.js'
import type { OnEvent } from '../events.js'
import {
  type MailAnswer,
  type MailHeader,
  maxLineBytes,
  patience,
  type RefusedRecipient,
  readHeader
} from '../protocol.js'
import { step } from '../steps.js'
import type { MailFile } from '../store/index.js'
import type { IncomingFolder } from './incoming.js'
import { storeId } from './mail-id.js'
import type { Mailbox, Mailboxes } from './mailboxes.js'
import type { Rules } from './rules.js'

/** Settings of a receiver. */
export interface ReceiverOptions {
  readonly id52: string
  readonly account: Account | undefined
  readonly mailboxes: Mailboxes
  readonly rules: Rules
  readonly incoming: IncomingFolder
  readonly maxBytes: number
  /** Maximum concurrent mails, in all and per peer. */
  readonly total: number
  readonly perPeer: number
  readonly onEvent: OnEvent
}

const second = 1000

/** Delivers mail of peers and local mail into mailboxes. */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #active = new Map<string, number>()
  #total = 0

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** Handles a stream of the mail protocol. */
  async handle(stream: PeerStream): Promise<void> {
    const peer = stream.remoteId52
    const release = this.#enter(peer)
    if (release === undefined) {
      await answer(stream, { status: 'later', code: 'busy', message: 'too many mails at once', retryAfter: 1 })
      return
    }
    try {
      const header = readHeader(
        await stream.nextJson({ maxBytes: maxLineBytes, signal: AbortSignal.timeout(30 * second) })
      )
      if (header === undefined) {
        await answer(stream, { status: 'refused', code: 'invalid', message: 'the header is invalid' })
        return
      }
      step('receive.begun', header.id)
      const found = await this.#decide(stream, header)
      await answer(stream, found)
      step('receive.answered', header.id)
      const code = 'code' in found ? found.code : ''
      this.#options.onEvent({ type: 'received', id: header.id, peer, status: found.status, code })
    } finally {
      release()
    }
  }

  /**
   * Stores a mail from a local file, for example queued mail to this peer itself. Keeps the file.
   *
   * @param sender ID52 of the peer that assigned the mail's ID.
   */
  async storeFile(sender: string, { id, to }: Pick<MailHeader, 'id' | 'to'>, path: string): Promise<MailAnswer> {
    try {
      const { found, refused } = this.#recipients(to)
      return await this.#store(storeId(sender, id), found, refused, () => this.#options.incoming.share(path))
    } catch (error) {
      return failureOf(error)
    }
  }

  async #decide(stream: PeerStream, header: MailHeader): Promise<MailAnswer> {
    const peer = stream.remoteId52
    const refusal = this.#refusal(peer, header)
    if (refusal !== undefined) return refusal
    const { found, refused } = this.#recipients(header.to)
    const id = storeId(peer, header.id)
    const missing = found.filter(({ store }) => !store.has(id))
    // Answer before the message, which need not be sent.
    if (missing.length === 0) return settled(found.length > 0 ? 'duplicate' : 'stored', found, refused)
    const { incoming } = this.#options
    try {
      // A stalled peer must not hold its slot.
      const signal = patience(header.size)
      const { content, size, sha256, authors } = await incoming.receive(stream, header.size, signal)
      try {
        if (size !== header.size || sha256 !== header.sha256)
          return { status: 'later', code: 'corrupt', message: 'size or digest of the message differ from the header' }
        const foreign = authors.foreign(id52 => this.#speaksFor(peer, id52))
        if (foreign !== undefined)
          return { status: 'refused', code: 'from', message: `From or Sender names another identity: ${foreign}` }
        step('receive.written', header.id)
        const isShared = missing.length > 1 && !(content instanceof Uint8Array)
        return await this.#store(id, missing, refused, async () =>
          isShared ? await incoming.share(content.file) : content
        )
      } finally {
        await incoming.remove(content)
      }
    } catch (error) {
      return failureOf(error)
    }
  }

  /** Refuses a mail before its message is read; `undefined` to continue. */
  #refusal(peer: string, { from, size }: MailHeader): MailAnswer | undefined {
    if (!this.#maySend(peer, from))
      return { status: 'refused', code: 'from', message: `${from} is not an address of the sending peer` }
    const decision = this.#options.rules.decide(peer)
    if (decision.status === 'deny')
      return { status: 'refused', code: 'not-allowed', message: 'this peer may not send mail here' }
    if (decision.status === 'later')
      return { status: 'later', code: 'rate', message: 'too many mails an hour', retryAfter: decision.retryAfter }
    if (size > decision.maxBytes)
      return { status: 'refused', code: 'too-large', message: `at most ${decision.maxBytes} bytes are taken` }
    return undefined
  }

  #maySend(peer: string, from: string): boolean {
    if (from === '') return true
    try {
      return this.#speaksFor(peer, parseMailAddress(from).id52)
    } catch {
      return false
    }
  }

  /** Whether an ID52 is the peer's, or that of an account for which it acts. */
  #speaksFor(peer: string, id52: string): boolean {
    if (id52 === peer) return true
    const { actsFor } = this.#options.account?.identify(peer) ?? { actsFor: [] }
    return actsFor.some(({ account, scope }) => account === id52 && (scope === '*' || scope.includes('mail')))
  }

  #recipients(to: readonly string[]): { found: Mailbox[]; refused: RefusedRecipient[] } {
    const found = new Set<Mailbox>()
    const refused: RefusedRecipient[] = []
    for (const each of to) {
      const mailbox = this.#mailboxOf(each)
      if (mailbox === undefined) refused.push({ to: each, code: 'unknown-user', message: 'there is no such mailbox' })
      else found.add(mailbox)
    }
    return { found: [...found], refused }
  }

  #mailboxOf(address: string): Mailbox | undefined {
    try {
      const { id52, alias } = parseMailAddress(address)
      return id52 === this.#options.id52 ? this.#options.mailboxes.find(alias) : undefined
    } catch {
      return undefined
    }
  }

  /** Stores a mail in each mailbox. If one fails, the sender retries; the others then detect the duplicate. */
  async #store(
    id: string,
    mailboxes: readonly Mailbox[],
    refused: readonly RefusedRecipient[],
    open: () => Promise<Uint8Array | MailFile>
  ): Promise<MailAnswer> {
    let isNew = false
    for (const { store } of mailboxes) {
      const content = await open()
      try {
        const { duplicate } = await store.deliver({ id, content })
        isNew ||= !duplicate
      } finally {
        // The store has moved the file.
        await this.#options.incoming.remove(content)
      }
      step('receive.stored', id)
    }
    return settled(isNew ? 'stored' : 'duplicate', mailboxes, refused)
  }

  /** Acquires a slot for an incoming mail; `undefined` if none is free. */
  #enter(peer: string): (() => void) | undefined {
    const { total, perPeer } = this.#options
    const own = this.#active.get(peer) ?? 0
    if (this.#total >= total || own >= perPeer) return undefined
    this.#total++
    this.#active.set(peer, own + 1)
    return () => {
      this.#total--
      const left = (this.#active.get(peer) ?? 1) - 1
      if (left === 0) this.#active.delete(peer)
      else this.#active.set(peer, left)
    }
  }
}

function settled(
  status: 'stored' | 'duplicate',
  mailboxes: readonly Mailbox[],
  refused: readonly RefusedRecipient[]
): MailAnswer {
  const [first] = refused
  if (mailboxes.length === 0 && first !== undefined)
    return { status: 'refused', code: first.code, message: first.message }
  return { status, ...(refused.length > 0 ? { refused } : {}) }
}

/** The answer to a sender after a local failure. Does not mention files. */
function failureOf(error: unknown): MailAnswer {
  if (error instanceof MailError && error.code === 'ERR_QUOTA')
    return { status: 'later', code: 'quota', message: 'the mailbox is full', retryAfter: 600 }
  if (error instanceof MailError)
    return { status: 'later', code: 'storage', message: 'the message cannot be stored now', retryAfter: 60 }
  throw error
}

async function answer(stream: PeerStream, found: MailAnswer): Promise<void> {
  try {
    await stream.finish(`${JSON.stringify(found)}\n`)
  } catch (error) {
    // The sender has left, and will retry.
    if (!isFastnNetError(error)) throw error
  }
}
