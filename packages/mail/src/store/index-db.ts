import { MailError, storageError } from '../errors.js'
import { DatabaseSync, type SQLInputValue, type StatementSync } from '../sqlite.js'

/** What each version of the tables adds to the one before. The number of the version is kept in `PRAGMA user_version`. */
const versions = [
  `
CREATE TABLE mailboxes (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, modseq INTEGER NOT NULL
);
CREATE TABLE messages (
  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, base TEXT NOT NULL, file TEXT NOT NULL, system INTEGER NOT NULL, keywords TEXT NOT NULL,
  letters TEXT NOT NULL, modseq INTEGER NOT NULL, size INTEGER NOT NULL, bare_lf INTEGER NOT NULL, received INTEGER NOT NULL,
  recent INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_base ON messages (mailbox, base);
CREATE INDEX messages_modseq ON messages (mailbox, modseq);
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, stored INTEGER NOT NULL, mailbox TEXT NOT NULL, base TEXT NOT NULL,
  file TEXT NOT NULL, size INTEGER NOT NULL, bare_lf INTEGER NOT NULL, received INTEGER NOT NULL, keywords TEXT NOT NULL, uid INTEGER NOT NULL
);
CREATE INDEX deliveries_pending ON deliveries (stored) WHERE stored = 0;
CREATE TABLE subscriptions (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`,
  `
CREATE TABLE descriptions (mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, envelope BLOB, structure BLOB, PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;
CREATE TRIGGER descriptions_end AFTER DELETE ON messages BEGIN
  DELETE FROM descriptions WHERE mailbox = old.mailbox AND uid = old.uid;
END;
`
]

/** The database of an index. Statements are compiled once; every error is `ERR_STORAGE`. */
export class IndexDb {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #open = true

  /** Opens the database exclusively. Throws `ERR_BUSY` if another process has it open. */
  constructor(path: string) {
    let db: DatabaseSync | undefined
    try {
      db = new DatabaseSync(path, { timeout: 1000 })
      // Exclusive, because two writers would assign the same UID twice. The lock ends with the process.
      db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000'
      )
      const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
      if (version > versions.length)
        throw new MailError('ERR_STORAGE', `the index ${path} was written by a newer version`)
      // Takes the lock, also if there is nothing to add.
      const added = versions.slice(version).join('')
      db.exec(`BEGIN IMMEDIATE; ${added} PRAGMA user_version = ${versions.length}; COMMIT`)
    } catch (error) {
      db?.close()
      if ((error as { errcode?: number }).errcode === 5)
        throw new MailError('ERR_BUSY', `${path} is open in another program`)
      throw storageError(`open the index ${path}`, error)
    }
    this.#db = db
  }

  /** The first row of a query, or `undefined`. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#try(() => this.#statement(sql).get(...values) as Row | undefined)
  }

  /** All rows of a query. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#try(() => this.#statement(sql).all(...values) as Row[])
  }

  /** Runs a statement, and returns how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#try(() => Number(this.#statement(sql).run(...values).changes))
  }

  /** Runs changes in a durable transaction. */
  transaction<Result>(changes: () => Result): Result {
    this.run('BEGIN IMMEDIATE')
    try {
      const result = changes()
      this.run('COMMIT')
      return result
    } catch (error) {
      try {
        this.run('ROLLBACK')
      } catch {
        // SQLite rolls back automatically on a full disk.
      }
      throw error
    }
  }

  /** The same for changes that a power failure may undo: they are flushed with the next ones that are durable. */
  lazyTransaction<Result>(changes: () => Result): Result {
    this.run('PRAGMA synchronous = NORMAL')
    try {
      return this.transaction(changes)
    } finally {
      this.run('PRAGMA synchronous = FULL')
    }
  }

  /** Closes the database. No-op if it is closed. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#statements.clear()
    this.#db.close()
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #try<Result>(work: () => Result): Result {
    if (!this.#open) throw new MailError('ERR_CLOSED', 'the store is closed')
    try {
      return work()
    } catch (error) {
      throw storageError('use the index', error)
    }
  }
}
