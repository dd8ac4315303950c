import { MailError, storageError } from '../errors.js'
import { DatabaseSync } from '../sqlite.js'

/** Maximum delay of a lazy change, in milliseconds. */
const lazyDelay = 50

/**
 * Database with group commit: changes of one event-loop turn share a transaction, and thus one disk flush. A change is durable when its
 * promise resolves.
 */
export class Database {
  readonly sqlite: DatabaseSync
  #waiting: Change[] = []
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined
  #isClosed = false

  /**
   * Opens the file exclusively, until it is closed or the process ends.
   *
   * @throws {MailError} `ERR_BUSY` if another process has it open. `ERR_STORAGE`.
   */
  constructor(path: string, schema: string) {
    let sqlite: DatabaseSync | undefined
    try {
      sqlite = new DatabaseSync(path)
      sqlite.exec(
        'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON'
      )
      // Opening alone does not take the lock.
      sqlite.exec(`BEGIN IMMEDIATE; ${schema}; COMMIT`)
      this.sqlite = sqlite
    } catch (error) {
      sqlite?.close()
      if (error instanceof Error && /database is locked/.test(error.message))
        throw new MailError('ERR_BUSY', `${path} is open in another process`, { cause: error })
      throw storageError(`open ${path}`, error)
    }
  }

  /**
   * Runs a change in the next transaction. If it throws, only its own changes are undone.
   *
   * @param options `lazy`: no caller waits for it. It is committed with the next other change, or after a short delay.
   */
  change<Result>(work: () => Result, { lazy = false }: { lazy?: boolean } = {}): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new MailError('ERR_CLOSED', 'the mail service is closed'))
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      // Each transaction flushes the disk and blocks the event loop meanwhile.
      if (lazy) this.#later ??= setTimeout(() => this.#commit(), lazyDelay)
      else this.#soon ??= setImmediate(() => this.#commit())
    })
  }

  /** Commits pending changes, and closes. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#commit()
    this.sqlite.close()
  }

  #commit(): void {
    clearTimeout(this.#later)
    clearImmediate(this.#soon)
    this.#later = undefined
    this.#soon = undefined
    const changes = this.#waiting
    if (changes.length === 0) return
    this.#waiting = []
    const settle: (() => void)[] = []
    try {
      this.sqlite.exec('BEGIN IMMEDIATE')
      for (const change of changes) settle.push(this.#run(change))
      this.sqlite.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      const failure = storageError('write the database', error)
      for (const { reject } of changes) reject(failure)
      return
    }
    for (const each of settle) each()
  }

  #rollBack(): void {
    try {
      this.sqlite.exec('ROLLBACK')
    } catch {
      // A full disk has already ended the transaction.
    }
  }

  #run({ work, resolve, reject }: Change): () => void {
    this.sqlite.exec('SAVEPOINT one')
    try {
      const result = work()
      this.sqlite.exec('RELEASE one')
      return () => resolve(result)
    } catch (error) {
      // On a full disk, SQLite may have rolled back the whole transaction. This then also throws, and all changes fail.
      this.sqlite.exec('ROLLBACK TO one; RELEASE one')
      return () => reject(storageError('write the database', error))
    }
  }
}

interface Change {
  readonly work: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}
