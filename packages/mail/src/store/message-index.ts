import type { Flags } from './flags.js'
import { IndexDb } from './index-db.js'

/** A message in the index. */
export interface MessageRow extends Flags {
  readonly uid: number
  /** Name of the file without flags. */
  readonly base: string
  /** Last known path of the file inside the mailbox's folder. */
  readonly file: string
  /** Letters of the file name that are not IMAP flags. */
  readonly letters: string
  readonly modseq: number
  /** Bytes, with CRLF line ends. */
  readonly size: number
  /** Whether the file has bare line feeds: 0 or 1. */
  readonly bare_lf: number
  /** Internal date, in milliseconds since 1970. */
  readonly received: number
  /** Whether it was not reported to any session: 0 or 1. */
  readonly recent: number
}

/** A message to add. It gets the next UID. */
export type NewMessage = Omit<MessageRow, 'uid' | 'modseq' | 'recent'>

/** A mailbox in the index. */
export interface MailboxRow {
  readonly id: number
  readonly name: string
  readonly uid_validity: number
  readonly uid_next: number
  readonly modseq: number
}

/** Counters of a mailbox's messages. */
export interface Counts {
  readonly messages: number
  readonly unseen: number
  readonly recent: number
  readonly bytes: number
}

const columns = 'uid, base, file, system, keywords, letters, modseq, size, bare_lf, received, recent'

/** Mailboxes and messages of an account. Call mutating methods inside {@link transaction}. */
export class MessageIndex {
  readonly db: IndexDb
  /** Sum of the sizes of all messages. */
  bytesUsed: number

  constructor(path: string) {
    this.db = new IndexDb(path)
    this.bytesUsed = this.#sum()
  }

  /** Runs changes in a durable transaction. */
  transaction<Result>(changes: () => Result): Result {
    const before = this.bytesUsed
    try {
      return this.db.transaction(changes)
    } catch (error) {
      this.bytesUsed = before
      throw error
    }
  }

  mailboxes(): MailboxRow[] {
    return this.db.all<MailboxRow>('SELECT * FROM mailboxes ORDER BY name')
  }

  mailbox(id: number): MailboxRow | undefined {
    return this.db.get<MailboxRow>('SELECT * FROM mailboxes WHERE id = ?', id)
  }

  /** Adds a mailbox. Its UIDVALIDITY is unique in the account, independent of the clock. */
  addMailbox(name: string): MailboxRow {
    const last = this.db.get<{ value: number }>("SELECT value FROM counters WHERE name = 'uid_validity'")?.value ?? 0
    const validity = Math.max(last + 1, Math.floor(Date.now() / 1000))
    this.db.run("INSERT OR REPLACE INTO counters VALUES ('uid_validity', ?)", validity)
    this.db.run('INSERT INTO mailboxes (name, uid_validity, uid_next, modseq) VALUES (?, ?, 1, 1)', name, validity)
    return this.db.get<MailboxRow>('SELECT * FROM mailboxes WHERE name = ?', name) as MailboxRow
  }

  renameMailbox(id: number, name: string): void {
    this.db.run('UPDATE mailboxes SET name = ? WHERE id = ?', name, id)
  }

  removeMailbox(id: number): void {
    this.bytesUsed -= this.counts(id).bytes
    this.db.run('DELETE FROM messages WHERE mailbox = ?', id)
    this.db.run('DELETE FROM mailboxes WHERE id = ?', id)
  }

  counts(mailbox: number): Counts {
    return this.db.get<Counts>(
      `SELECT count(*) AS messages, coalesce(sum(system & 1 = 0), 0) AS unseen, coalesce(sum(recent), 0) AS recent,
        coalesce(sum(size), 0) AS bytes FROM messages WHERE mailbox = ?`,
      mailbox
    ) as Counts
  }

  /** Increments and returns the modification sequence for changes of this transaction. */
  nextModseq(mailbox: number): number {
    this.db.run('UPDATE mailboxes SET modseq = modseq + 1 WHERE id = ?', mailbox)
    return this.mailbox(mailbox)?.modseq ?? 1
  }

  /** Adds a message and returns its UID. An existing message with the same base keeps its UID, because a scan may have added it first. */
  insert(mailbox: number, message: NewMessage, modseq: number): number {
    const known = this.byBase(mailbox, message.base)
    if (known) return known.uid
    const uid = this.mailbox(mailbox)?.uid_next ?? 1
    this.db.run('UPDATE mailboxes SET uid_next = ? WHERE id = ?', uid + 1, mailbox)
    const { base, file, system, keywords, letters, size, bare_lf, received } = message
    this.db.run(
      'INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)',
      mailbox,
      uid,
      base,
      file,
      system,
      keywords,
      letters,
      modseq,
      size,
      bare_lf,
      received
    )
    this.bytesUsed += size
    return uid
  }

  remove(mailbox: number, uid: number): void {
    const size = this.message(mailbox, uid)?.size
    if (size === undefined) return
    this.db.run('DELETE FROM messages WHERE mailbox = ? AND uid = ?', mailbox, uid)
    this.bytesUsed -= size
  }

  /** Updates the path and flags of a message, and the sequence of the change. */
  update(mailbox: number, { uid, file, system, keywords, letters, modseq, recent }: MessageRow): void {
    this.db.run(
      'UPDATE messages SET file = ?, system = ?, keywords = ?, letters = ?, modseq = ?, recent = ? WHERE mailbox = ? AND uid = ?',
      file,
      system,
      keywords,
      letters,
      modseq,
      recent,
      mailbox,
      uid
    )
  }

  message(mailbox: number, uid: number): MessageRow | undefined {
    return this.db.get<MessageRow>(`SELECT ${columns} FROM messages WHERE mailbox = ? AND uid = ?`, mailbox, uid)
  }

  byBase(mailbox: number, base: string): MessageRow | undefined {
    return this.db.get<MessageRow>(`SELECT ${columns} FROM messages WHERE mailbox = ? AND base = ?`, mailbox, base)
  }

  /** Messages ordered by UID, after the UID `after`, at most `limit`. */
  page(mailbox: number, after: number, limit: number): MessageRow[] {
    const sql = `SELECT ${columns} FROM messages WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?`
    return this.db.all<MessageRow>(sql, mailbox, after, limit)
  }

  /** All UIDs, ascending. */
  uids(mailbox: number): number[] {
    return this.db
      .all<{ uid: number }>('SELECT uid FROM messages WHERE mailbox = ? ORDER BY uid', mailbox)
      .map(row => row.uid)
  }

  /** UIDs above `after`, ascending. */
  uidsAfter(mailbox: number, after: number): number[] {
    const sql = 'SELECT uid FROM messages WHERE mailbox = ? AND uid > ? ORDER BY uid'
    return this.db.all<{ uid: number }>(sql, mailbox, after).map(row => row.uid)
  }

  /** Messages between two UIDs that changed after a modification sequence, ordered by UID, at most `limit`. */
  changedSince(mailbox: number, modseq: number, range: { after: number; before: number; limit: number }): MessageRow[] {
    const sql = `SELECT ${columns} FROM messages WHERE mailbox = ? AND modseq > ? AND uid > ? AND uid < ? ORDER BY uid LIMIT ?`
    return this.db.all<MessageRow>(sql, mailbox, modseq, range.after, range.before, range.limit)
  }

  recent(mailbox: number): MessageRow[] {
    return this.db.all<MessageRow>(
      `SELECT ${columns} FROM messages WHERE mailbox = ? AND recent = 1 ORDER BY uid`,
      mailbox
    )
  }

  /** All keywords of a mailbox, at most 1,000. */
  keywords(mailbox: number): string[] {
    const rows = this.db.all<{ keywords: string }>(
      "SELECT DISTINCT keywords FROM messages WHERE mailbox = ? AND keywords <> '' LIMIT 1000",
      mailbox
    )
    return [...new Set(rows.flatMap(row => row.keywords.split(' ')))].sort().slice(0, 1000)
  }

  #sum(): number {
    return this.db.get<{ bytes: number }>('SELECT coalesce(sum(size), 0) AS bytes FROM messages')?.bytes ?? 0
  }
}
