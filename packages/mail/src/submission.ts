import { parseMailAddress } from './address.js'
import type { Clock } from './clock.js'
import { MailError } from './errors.js'
import type { OnEvent } from './events.js'
import { Authors } from './mime/authors.js'
import { invalid } from './options.js'
import type { Queue } from './queue/queue.js'
import type { Users } from './users.js'

/** Settings of a submission. */
export interface SubmissionOptions {
  readonly queue: Queue
  readonly users: Users
  readonly clock: Clock
  /** ID52s of local addresses: the endpoint's, and that of the account for which it acts. */
  readonly ownIds: () => readonly string[]
  readonly id52: string
  readonly maxMessageBytes: number
  readonly maxQueued: number
  readonly maxQueuedBytes: number
  readonly onEvent: OnEvent
  /** Called with the peers of a new mail. */
  readonly queued: (peers: Iterable<string>) => void
}

/** Validates and queues mail of users. */
export class Submission {
  readonly #options: SubmissionOptions
  /** Bytes currently being written. */
  #writing = 0
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(options: SubmissionOptions) {
    this.#options = options
  }

  /** @throws {MailError} `ERR_UNAUTHORIZED` if the user may not send as this address. */
  checkSender(user: string | undefined, address: string): void {
    const { ownIds, users } = this.#options
    const { id52, alias } = parseMailAddress(address)
    const isOwn = ownIds().includes(id52)
    if (!isOwn || (user !== undefined && !users.owns(user, alias)))
      throw new MailError('ERR_UNAUTHORIZED', `${address} is not an address of ${user ?? 'this service'}`)
  }

  /**
   * @throws {MailError} `ERR_INVALID_ARGUMENT` if the address does not belong to a peer, because mail is not relayed to other domains. The same for
   * a missing local mailbox.
   */
  checkRecipient(address: string): void {
    const { id52, alias } = parseRecipient(address)
    if (id52 === this.#options.id52 && this.#options.users.mailboxes.find(alias) === undefined)
      throw invalid(`${address}: there is no such mailbox`)
  }

  /**
   * Queues a message. It is durable when the promise resolves.
   *
   * @param check Called after the last chunk; throws to reject the message.
   * @throws {MailError} `ERR_QUOTA` if the queue is full. `ERR_TOO_LARGE`. `ERR_STORAGE`. `ERR_UNAUTHORIZED` if From or Sender
   * names another identity. Errors of `check` and the content.
   */
  async submit(
    envelope: { from: string; to: readonly string[] },
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    check: () => void = () => {}
  ): Promise<string> {
    if (this.#isClosed) throw new MailError('ERR_CLOSED', 'the mail service is closed')
    const running = this.#submit(envelope, content, check)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Stops accepting, and waits for messages that are being written. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running)
  }

  async #submit(
    { from, to }: { from: string; to: readonly string[] },
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    check: () => void
  ): Promise<string> {
    const { queue, clock, ownIds, maxMessageBytes, maxQueued, maxQueuedBytes, onEvent, queued } = this.#options
    const peers = byPeer(to)
    if (queue.count >= maxQueued || queue.bytes + this.#writing >= maxQueuedBytes)
      throw new MailError('ERR_QUOTA', 'the queue is full; try again later')
    const { id, spool } = await queue.begin()
    const authors = new Authors()
    try {
      for await (const chunk of content) {
        if (spool.size + chunk.length > maxMessageBytes)
          throw new MailError('ERR_TOO_LARGE', `a message may have ${maxMessageBytes} bytes`)
        this.#writing += chunk.length
        authors.read(chunk)
        await spool.write(chunk)
      }
      check()
      const foreign = authors.foreign(id52 => ownIds().includes(id52))
      if (foreign !== undefined)
        throw new MailError('ERR_UNAUTHORIZED', `From or Sender names another identity: ${foreign}`)
    } catch (error) {
      await spool.discard()
      throw error
    } finally {
      this.#writing -= spool.size
    }
    await queue.add(id, spool, { from, to: peers }, clock.now())
    onEvent({ type: 'queued', id, from, to })
    queued(peers.keys())
    return id
  }
}

/** One delivery for all recipients at a peer. */
function byPeer(to: readonly string[]): Map<string, string[]> {
  const peers = new Map<string, string[]>()
  for (const address of new Set(to)) {
    const { id52 } = parseRecipient(address)
    peers.set(id52, [...(peers.get(id52) ?? []), address])
  }
  if (peers.size === 0) throw invalid('a mail needs a recipient')
  return peers
}

function parseRecipient(address: string): { id52: string; alias: string } {
  try {
    return parseMailAddress(address)
  } catch {
    throw invalid(`mail is delivered only to addresses such as name@<id52>.fastn, not to ${address.slice(0, 80)}`)
  }
}
