import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FolderSync } from '../disk.js'
import { MailError, storageError } from '../errors.js'
import type { StatementSync } from '../sqlite.js'
import { step } from '../steps.js'
import { Database } from './database.js'
import { Spool } from './spool.js'

/** A delivery of the queue: a mail, and the recipients at one peer. */
export interface Delivery {
  /** Sequence number. */
  readonly seq: number
  /** Id of the mail. */
  readonly id: string
  /** Envelope sender; empty for the null sender. */
  readonly from: string
  /** Bytes of the message. */
  readonly size: number
  /** SHA-256 of the message, as hex. */
  readonly sha256: string
  /** Time of queueing, in milliseconds as from `Date.now()`. */
  readonly queuedAt: number
  /** ID52 of the peer. */
  readonly peer: string
  /** Recipients at the peer. */
  readonly to: readonly string[]
  /** Attempts that the peer deferred. */
  readonly attempts: number
  /** Earliest time of the next attempt. */
  readonly nextAt: number
  /** Whether the sender was warned of the delay. */
  readonly warned: boolean
  /** Error of the last attempt; empty before. */
  readonly reason: string
}

/** A mail to queue. `to` has the recipients per peer. */
export interface NewDelivery {
  readonly from: string
  readonly to: ReadonlyMap<string, readonly string[]>
}

/** The delivery that a report is about. */
export interface Report {
  readonly delivery: Delivery
  /** Whether the delivery has failed and ends. Otherwise it is late. */
  readonly ends: boolean
}

const schema = `
CREATE TABLE IF NOT EXISTS mails (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, size INTEGER NOT NULL,
  sha256 TEXT NOT NULL, queued_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
  peer TEXT NOT NULL, mail INTEGER NOT NULL REFERENCES mails(seq), recipients TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0, warned INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (peer, mail)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_of_mail ON deliveries (mail);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (peer, next_at, mail)`

const columns = `mails.seq, mails.id, mails.sender, mails.size, mails.sha256, mails.queued_at, deliveries.peer, deliveries.recipients,
  deliveries.attempts, deliveries.next_at, deliveries.warned, deliveries.reason`
const joined = `SELECT ${columns} FROM deliveries JOIN mails ON mails.seq = deliveries.mail`

interface Row {
  seq: number
  id: string
  sender: string
  size: number
  sha256: string
  queued_at: number
  peer: string
  recipients: string
  attempts: number
  next_at: number
  warned: number
  reason: string
}

/**
 * Durable queue: one file per message, one row per peer. A message is queued once its file and then its row are flushed. Its file is removed
 * after its last row.
 */
export class Queue {
  readonly #folder: string
  readonly #database: Database
  readonly #sync: FolderSync
  readonly #statements = new Map<string, StatementSync>()
  #count = 0
  #bytes = 0

  private constructor(folder: string, database: Database) {
    this.#folder = folder
    this.#database = database
    this.#sync = new FolderSync(folder)
  }

  /**
   * Opens the queue, and cleans up after a crash.
   *
   * @throws {MailError} `ERR_BUSY` if another process has it open. `ERR_STORAGE`.
   */
  static async open(folder: string): Promise<Queue> {
    const files = join(folder, 'messages')
    try {
      await mkdir(files, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw storageError(`create ${files}`, error)
    }
    const database = new Database(join(folder, 'queue.sqlite'), schema)
    const queue = new Queue(files, database)
    try {
      await queue.#recover()
    } catch (error) {
      database.close()
      throw storageError('read the queue', error)
    }
    return queue
  }

  /** Number of mails. */
  get count(): number {
    return this.#count
  }

  /** Bytes of all mails. */
  get bytes(): number {
    return this.#bytes
  }

  /** Creates a message file. Write it, then {@link add} or discard it. */
  async begin(): Promise<{ id: string; spool: Spool }> {
    const id = randomBytes(16).toString('hex')
    return { id, spool: await Spool.create(id, this.pathOf(id), this.#sync) }
  }

  /** Path of a mail's file. */
  pathOf(id: string): string {
    return join(this.#folder, `${id}.eml`)
  }

  /**
   * Queues a written message. It is durable when the promise resolves. On rejection, the message is discarded.
   *
   * @param about The delivery that the mail reports as failed, which ends it, or as late. Same transaction.
   */
  async add(id: string, spool: Spool, mail: NewDelivery, queuedAt: number, about?: Report): Promise<void> {
    try {
      const { size, sha256 } = await spool.finish()
      const isLast = await this.#database.change(() => {
        this.#run(
          'INSERT INTO mails (id, sender, size, sha256, queued_at) VALUES (?, ?, ?, ?, ?)',
          id,
          mail.from,
          size,
          sha256,
          queuedAt
        )
        const { seq } = this.#get('SELECT last_insert_rowid() AS seq') as { seq: number }
        for (const [peer, to] of mail.to)
          this.#run('INSERT INTO deliveries (peer, mail, recipients) VALUES (?, ?, ?)', peer, seq, JSON.stringify(to))
        return about !== undefined && this.#note(about)
      })
      this.#count++
      this.#bytes += size
      step('queue.committed', id)
      if (about !== undefined && isLast) await this.#unlink(about.delivery)
    } catch (error) {
      await spool.discard()
      throw error
    }
  }

  /** Ends a delivery. The file is removed with its last delivery. If a crash loses this, the repeated attempt gets `duplicate`. */
  async settle(delivery: Delivery): Promise<void> {
    if (await this.#database.change(() => this.#remove(delivery), { lazy: true })) await this.#unlink(delivery)
  }

  /** Schedules a retry of a delivery. */
  retry(delivery: Delivery, nextAt: number, reason: string): Promise<void> {
    return this.#database.change(() => {
      this.#run(
        'UPDATE deliveries SET attempts = attempts + 1, next_at = ?, reason = ? WHERE peer = ? AND mail = ?',
        nextAt,
        reason,
        delivery.peer,
        delivery.seq
      )
    })
  }

  /** Marks a late mail as warned. */
  async noteLate(delivery: Delivery): Promise<void> {
    await this.#database.change(() => this.#note({ delivery, ends: false }))
  }

  /** Peers with deliveries. */
  peers(): string[] {
    return this.#all<{ peer: string }>('SELECT DISTINCT peer FROM deliveries').map(({ peer }) => peer)
  }

  /** Due deliveries to a peer, oldest first. */
  due(peer: string, now: number, limit: number): Delivery[] {
    return this.#all<Row>(
      `${joined} WHERE deliveries.peer = ? AND deliveries.next_at <= ? ORDER BY deliveries.mail LIMIT ?`,
      peer,
      now,
      limit
    ).map(read)
  }

  /** Due time of the next delivery to a peer; `undefined` without any. */
  nextAt(peer: string): number | undefined {
    const row = this.#get('SELECT min(next_at) AS at FROM deliveries WHERE peer = ?', peer) as { at: number | null }
    return row.at ?? undefined
  }

  /** Queueing times of the oldest mail to a peer without a warning, and of the oldest of all. */
  oldest(peer: string): { unwarned: number | undefined; any: number | undefined } {
    const row = this.#get(
      `SELECT min(queued_at) AS any_at, min(CASE WHEN warned = 0 THEN queued_at END) AS unwarned FROM deliveries
       JOIN mails ON mails.seq = deliveries.mail WHERE peer = ?`,
      peer
    ) as { any_at: number | null; unwarned: number | null }
    return { any: row.any_at ?? undefined, unwarned: row.unwarned ?? undefined }
  }

  /** Deliveries to a peer that were queued before a time, up to a limit. */
  queuedBy(peer: string, time: number, { unwarned, limit }: { unwarned: boolean; limit: number }): Delivery[] {
    return this.#all<Row>(
      `${joined} WHERE deliveries.peer = ? AND queued_at <= ? AND warned <= ? ORDER BY deliveries.mail LIMIT ?`,
      peer,
      time,
      unwarned ? 0 : 1,
      limit
    ).map(read)
  }

  /** All deliveries, oldest first, up to a limit. */
  list(limit: number): Delivery[] {
    return this.#all<Row>(`${joined} ORDER BY deliveries.mail LIMIT ?`, limit).map(read)
  }

  /** Shifts all times by a clock jump. */
  async shift(jump: number): Promise<void> {
    await this.#database.change(() => {
      this.#run('UPDATE mails SET queued_at = queued_at + ?', jump)
      this.#run('UPDATE deliveries SET next_at = next_at + ? WHERE next_at > 0', jump)
    })
  }

  close(): void {
    this.#database.close()
  }

  /** Removes files without a row, which were never acknowledged. */
  async #recover(): Promise<void> {
    const known = this.#prepare('SELECT 1 AS found FROM mails WHERE id = ?')
    this.#run('DELETE FROM mails WHERE seq NOT IN (SELECT mail FROM deliveries)')
    for (const name of await readdir(this.#folder)) {
      if (known.get(name.replace(/\.eml$/, '')) === undefined) await rm(join(this.#folder, name), { force: true })
    }
    const { count, bytes } = this.#get('SELECT count(*) AS count, total(size) AS bytes FROM mails') as {
      count: number
      bytes: number
    }
    this.#count = count
    this.#bytes = bytes
  }

  /** Returns whether it was the last delivery of its mail. */
  #note({ delivery, ends }: Report): boolean {
    if (ends) return this.#remove(delivery)
    this.#run('UPDATE deliveries SET warned = 1 WHERE peer = ? AND mail = ?', delivery.peer, delivery.seq)
    return false
  }

  /** Removes a row, and the row of its mail if it was the last. Returns whether it was. */
  #remove(delivery: Delivery): boolean {
    this.#run('DELETE FROM deliveries WHERE peer = ? AND mail = ?', delivery.peer, delivery.seq)
    if (this.#get('SELECT 1 FROM deliveries WHERE mail = ? LIMIT 1', delivery.seq) !== undefined) return false
    this.#run('DELETE FROM mails WHERE seq = ?', delivery.seq)
    return true
  }

  async #unlink(delivery: Delivery): Promise<void> {
    this.#count--
    this.#bytes -= delivery.size
    step('queue.removed', delivery.id)
    // A leftover file is removed at start-up.
    await rm(this.pathOf(delivery.id), { force: true }).catch(() => {})
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.sqlite.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#prepare(sql).run(...values)
  }

  #get(sql: string, ...values: (string | number)[]): unknown {
    return this.#prepare(sql).get(...values)
  }

  #all<Found>(sql: string, ...values: (string | number)[]): Found[] {
    try {
      return this.#prepare(sql).all(...values) as Found[]
    } catch (error) {
      throw new MailError('ERR_STORAGE', 'cannot read the queue', { cause: error })
    }
  }
}

function read(row: Row): Delivery {
  return {
    seq: row.seq,
    id: row.id,
    from: row.sender,
    size: row.size,
    sha256: row.sha256,
    queuedAt: row.queued_at,
    peer: row.peer,
    to: JSON.parse(row.recipients) as string[],
    attempts: row.attempts,
    nextAt: row.next_at,
    warned: row.warned !== 0,
    reason: row.reason
  }
}
