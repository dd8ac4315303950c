import { join } from 'node:path'
import type { Listener } from 'fastn-net'
import { Reporter } from './bounce/reporter.js'
import { systemClock } from './clock.js'
import { Deliverer } from './deliver/deliverer.js'
import { defaultSchedule } from './deliver/schedule.js'
import { send } from './deliver/send.js'
import type { MailEvent, OnEvent } from './events.js'
import { type ImapServer, startImap } from './imap/index.js'
import { LegacyServer } from './legacy/serve.js'
import {
  type ListenAddress,
  limitNames,
  type MailOptions,
  mailOptionNames,
  type OutgoingMail,
  type QueuedDelivery
} from './mail-options.js'
import { checkNames, count, invalid } from './options.js'
import { legacyProtocol, mailProtocol } from './protocol.js'
import { Queue } from './queue/queue.js'
import { IncomingFolder } from './receive/incoming.js'
import { Receiver } from './receive/receiver.js'
import { checkRules, Rules } from './receive/rules.js'
import { SmtpServer } from './smtp/server.js'
import { Submission } from './submission.js'
import { Users } from './users.js'

const legacyModes = ['refuse', 'junk', 'accept']

/**
 * Starts mail for an endpoint: SMTP and IMAP for mail clients, a queue, and delivery to and from peers.
 *
 * A mail is on disk once SMTP or {@link Mail.send} has accepted it. It is delivered immediately if the peer is online, else when the peer
 * connects, and retried with backoff from 30 s to 4 h. The sender gets a warning after 4 hours and a report after 5 days. A crash at any moment
 * loses no mail, and delivers none twice.
 *
 * Keeps the process alive until it is closed, as `endpoint.listen` does.
 *
 * @throws {MailError} `ERR_INVALID_ARGUMENT`. `ERR_BUSY` if another service uses the folder. `ERR_STORAGE`.
 * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if the endpoint already has mail. `ERR_CLOSED`. System errors if the port is in use.
 *
 * @example
 * await using mail = await startMail({
 *   endpoint,
 *   folder: 'mail',
 *   users: { ada: { password: await hashPassword(password) } },
 *   allow: [bobId52]
 * })
 * console.log(mail.addresses, mail.smtp)
 */
export async function startMail(options: MailOptions): Promise<Mail> {
  return await Mail[opening](options)
}

const opening = Symbol('opening')

/** Mail of an endpoint. Started by {@link startMail}. */
export class Mail implements AsyncDisposable {
  readonly #id52: string
  readonly #users: Users
  readonly #queue: Queue
  readonly #deliverer: Deliverer
  readonly #submission: Submission
  readonly #closing = new AbortController()
  #listener: Listener | undefined
  #smtpServer: SmtpServer | undefined
  #smtp: ListenAddress | undefined
  #imap: ImapServer | undefined
  #closed: Promise<void> | undefined

  private constructor(options: MailOptions, users: Users, queue: Queue, incoming: IncomingFolder) {
    const { endpoint, account, lease, clock = systemClock, limits = {}, legacy = 'refuse' } = options
    const id52 = endpoint.id52
    const onEvent = quiet(options.onEvent)
    const maxBytes = count(limits.maxMessageBytes, 1, 64 * 1024 ** 2, 'limits.maxMessageBytes')
    const total = count(limits.maxTransfers, 1, 64, 'limits.maxTransfers')
    const perPeer = count(limits.maxTransfersPerPeer, 1, 16, 'limits.maxTransfersPerPeer')
    this.#id52 = id52
    this.#users = users
    this.#queue = queue
    const rules = checkRules(options.allow ?? (account === undefined ? [] : 'everyone'))
    const { mailboxes } = users
    const receiver = new Receiver({
      id52,
      account,
      mailboxes,
      rules: new Rules(rules, account, clock, maxBytes),
      incoming,
      maxBytes,
      total,
      perPeer,
      onEvent
    })
    const schedule = defaultSchedule
    const queued = (peers: Iterable<string>): void => this.#deliverer.wake(peers)
    const reporter = new Reporter({ queue, clock, schedule, id52, onEvent, queued: peer => queued([peer]) })
    const address = options.address ?? (peer => account?.peer(peer) ?? peer)
    const transport = { endpoint, address, lease, dialTimeout: 10_000 }
    this.#deliverer = new Deliverer({
      queue,
      clock,
      schedule,
      perPeer,
      total,
      send: async (delivery, reached, closing) => {
        const path = queue.pathOf(delivery.id)
        if (delivery.peer !== id52) return await send(delivery, path, transport, reached, closing)
        reached()
        return await receiver.storeFile(id52, delivery, path)
      },
      bounce: (delivery, refused) => reporter.bounce(delivery, refused),
      warn: (delivery, reason) => reporter.warn(delivery, reason),
      onEvent
    })
    this.#submission = new Submission({
      queue,
      users,
      clock,
      id52,
      ownIds: () => [id52, ...(lease?.current === undefined ? [] : [lease.current.account])],
      maxMessageBytes: maxBytes,
      maxQueued: count(limits.maxQueued, 1, 100_000, 'limits.maxQueued'),
      maxQueuedBytes: count(limits.maxQueuedBytes, 1, 4 * 1024 ** 3, 'limits.maxQueuedBytes'),
      onEvent,
      queued
    })
    const perHour = count(limits.legacyPerHour, 1, 60, 'limits.legacyPerHour')
    const legacyServer = new LegacyServer({
      id52,
      mode: legacy,
      mailboxes,
      incoming,
      maxBytes,
      perHour,
      clock,
      onEvent
    })
    this.#listen = () =>
      endpoint.listen(
        [
          [mailProtocol, stream => receiver.handle(stream)],
          [legacyProtocol, stream => legacyServer.handle(stream)]
        ],
        { onError: error => onEvent({ type: 'error', error }) }
      )
    if (options.smtp !== false) {
      const { logIn, submission } = { logIn: users.logIn.bind(users), submission: this.#submission }
      const backend = {
        maxMessageBytes: maxBytes,
        logIn: (name: string, password: string) => logIn(name, password, id52),
        checkSender: submission.checkSender.bind(submission),
        checkRecipient: submission.checkRecipient.bind(submission),
        submit: submission.submit.bind(submission)
      }
      this.#smtpServer = new SmtpServer(options.smtp ?? {}, backend, id52, error => onEvent({ type: 'error', error }))
    }
    this.#watched = this.#watch(options)
  }

  readonly #listen: () => Listener
  readonly #watched: Promise<void>

  /** @internal */
  static async [opening](options: MailOptions): Promise<Mail> {
    checkNames(options, mailOptionNames, 'startMail')
    if (options.limits !== undefined) checkNames(options.limits, limitNames, 'limits')
    const { folder, legacy = 'refuse' } = options
    if (typeof folder !== 'string' || folder === '') throw invalid('folder must be a path')
    if (!legacyModes.includes(legacy)) throw invalid(`legacy must be ${legacyModes.join(', ')}`)
    const queue = await Queue.open(join(folder, 'queue'))
    let users: Users | undefined
    let mail: Mail | undefined
    try {
      users = await Users.open(options.users, folder)
      const incoming = await IncomingFolder.open(join(folder, 'incoming'))
      mail = new Mail(options, users, queue, incoming)
      mail.#listener = mail.#listen()
      await mail.#listener.ready
      mail.#smtp = await mail.#smtpServer?.listen()
      await mail.#startImap(options)
      mail.#deliverer.start()
      return mail
    } catch (error) {
      if (mail === undefined) {
        users?.close()
        queue.close()
      } else await mail.close({ timeout: 0 })
      throw error
    }
  }

  /** An address of each user, `name@<id52>.fastn`. */
  get addresses(): string[] {
    return this.#users.names.map(name => `${name}@${this.#id52}.fastn`)
  }

  /** Address of SMTP; `undefined` without it. */
  get smtp(): ListenAddress | undefined {
    return this.#smtp
  }

  /** Address of IMAP; `undefined` without it. */
  get imap(): ListenAddress | undefined {
    return this.#imap?.address
  }

  /** Number of connections of SMTP and IMAP clients. */
  get connections(): number {
    return (this.#smtpServer?.connections ?? 0) + (this.#imap?.connections ?? 0)
  }

  /** Number of mails in the queue. {@link queue} lists them, by peer. */
  get queued(): number {
    return this.#queue.count
  }

  /**
   * Queues a mail. It is on disk when the promise resolves, and delivered in the background.
   *
   * @returns ID of the mail, as in events and {@link queue}.
   * @throws {MailError} `ERR_INVALID_ARGUMENT` for a malformed address or a missing local mailbox. `ERR_UNAUTHORIZED` if `from` is not a local address,
   * or From or Sender names another identity. `ERR_TOO_LARGE`. `ERR_QUOTA` if the queue is full. `ERR_STORAGE`. `ERR_CLOSED`.
   *
   * @example
   * await mail.send({ from: mail.addresses[0], to: `bob@${bobId52}.fastn`, raw: 'Subject: Hello\r\n\r\nHello Bob\r\n' })
   */
  async send({ from, to, raw }: OutgoingMail): Promise<string> {
    const list = typeof to === 'string' ? [to] : to
    if (from !== '') this.#submission.checkSender(undefined, from)
    for (const address of list) this.#submission.checkRecipient(address)
    const bytes = typeof raw === 'string' ? new TextEncoder().encode(raw) : raw
    if (!(bytes instanceof Uint8Array)) throw invalid('raw must be bytes or a text')
    return await this.#submission.submit({ from, to: list }, [bytes])
  }

  /**
   * Returns pending deliveries, oldest first.
   *
   * @param options `limit`: maximum number. Default: 1,000.
   */
  queue({ limit = 1000 }: { limit?: number } = {}): QueuedDelivery[] {
    return this.#queue.list(limit).map(delivery => {
      const { id, from, to, peer, size, queuedAt } = delivery
      return { id, from, to, peer, size, queuedAt, ...this.#deliverer.outlook(delivery) }
    })
  }

  /** Resolves once no attempt is in progress. Mail for offline peers stays queued. */
  async idle(): Promise<void> {
    await this.#deliverer.idle()
  }

  /**
   * Closes the service: stops accepting mail and aborts attempts, which are repeated after the next start. The endpoint stays open.
   * Idempotent.
   *
   * @param options `timeout`: time for incoming mails to complete, in milliseconds. Default: 5 s.
   */
  close({ timeout = 5000 }: { timeout?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(timeout)
    return this.#closed
  }

  /** Same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(timeout: number): Promise<void> {
    this.#closing.abort()
    const servers = [this.#smtpServer?.close(), this.#imap?.close({ timeout }), this.#listener?.close({ timeout })]
    await Promise.all([...servers, this.#deliverer.close()])
    await this.#submission.close()
    await this.#watched
    this.#queue.close()
    this.#users.close()
  }

  async #startImap({ imap = { port: 1143 }, onEvent }: MailOptions): Promise<void> {
    if (imap === false) return
    const users = this.#users
    this.#imap = await startImap({
      ...imap,
      authenticate: async (name, password) => {
        const user = await users.logIn(name, password, this.#id52)
        return user === undefined ? undefined : users.store(user)
      },
      onError: error => quiet(onEvent)({ type: 'error', error })
    })
  }

  /** Sends a peer's mail when the peer connects. */
  async #watch({ endpoint }: MailOptions): Promise<void> {
    try {
      for await (const { id52, state } of endpoint.watch({ signal: this.#closing.signal }))
        this.#deliverer.connection(id52, state === 'connected')
    } catch {
      // The endpoint is closed, so attempts fail and report it.
    }
  }
}

/** A failing event handler must not affect delivery. */
function quiet(onEvent: OnEvent | undefined): OnEvent {
  return (event: MailEvent) => {
    try {
      onEvent?.(event)
    } catch {
      // Errors of the handler belong to the program.
    }
  }
}
