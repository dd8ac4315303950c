import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MailError, storageError } from '../errors.js'
import { Deliveries, hashOfId } from './deliveries.js'
import { Descriptions } from './descriptions.js'
import { type Flags, flagsOf } from './flags.js'
import type { Delivered, Mailbox, MailStore, MailStoreOptions, NewMail } from './mail-store.js'
import { MailboxState } from './mailbox-state.js'
import { cleanTmp, deliveryBase, fileOf, freshBase, makeFolders, syncFolder } from './maildir.js'
import { MessageIndex } from './message-index.js'
import { Mutex } from './mutex.js'
import { checkName, folderOf, mailboxOf, separator, specialUses } from './names.js'
import { recover, rememberDeliveries } from './recover.js'

/** Name of the index inside the Maildir. Other Maildir programs ignore it. */
const indexName = 'fastn-index.sqlite'

/** Whether file systems of this platform usually ignore the case of names. */
const foldsCase = process.platform === 'win32' || process.platform === 'darwin'

/** Maximum mailboxes of an account. */
const maxMailboxes = 10_000

/** A Maildir with its index, returned by {@link openMailStore} and used by the IMAP server. */
export class MaildirStore implements MailStore {
  readonly index: MessageIndex
  readonly deliveries: Deliveries
  readonly descriptions: Descriptions
  readonly quotaBytes: number
  readonly #folder: string
  readonly #mailboxes = new Map<string, MailboxState>()
  /** Serializes creation, renaming and deletion of mailboxes. */
  readonly #mutex = new Mutex()
  /** Deliveries in progress, by hash of their ID. */
  readonly #running = new Map<string, Promise<Delivered>>()
  /** Bytes of messages in progress, counted towards the quota. */
  #reserved = 0
  #foldersTime = -1

  private constructor({ folder, quotaBytes = Number.POSITIVE_INFINITY }: MailStoreOptions, index: MessageIndex) {
    this.#folder = folder
    this.quotaBytes = quotaBytes
    this.index = index
    this.deliveries = new Deliveries(index)
    this.descriptions = new Descriptions(index.db)
  }

  static async open(options: MailStoreOptions): Promise<MaildirStore> {
    await makeFolders(options.folder, '')
    const store = new MaildirStore(options, new MessageIndex(join(options.folder, indexName)))
    try {
      await store.#start()
      return store
    } catch (error) {
      store.close()
      throw error
    }
  }

  async deliver({ id, mailbox = 'INBOX', content, flags = [], receivedAt }: NewMail): Promise<Delivered> {
    const name = checkName(mailbox)
    const hash = hashOfId(id)
    const before = this.#running.get(hash)
    if (before) return await before.then(delivered => ({ ...delivered, duplicate: true }))
    const row = this.deliveries.row(hash)
    if (row?.stored) return { uid: row.uid, mailbox: row.mailbox, duplicate: true }
    const received = receivedAt?.getTime() ?? Date.now()
    const running = this.ensure(name)
      .then(state => this.#store(state, content, flagsOf(flags), received, hash))
      .then(uid => ({ uid, mailbox: name, duplicate: false }))
    this.#running.set(hash, running)
    try {
      return await running
    } finally {
      this.#running.delete(hash)
    }
  }

  /** Stores a message without an ID, for APPEND. Resolves to its UID. */
  async append(mailbox: MailboxState, file: string, flags: Flags, received: number): Promise<number> {
    return await this.#store(mailbox, { file }, flags, received, undefined)
  }

  has(id: string): boolean {
    return this.deliveries.row(hashOfId(id))?.stored === 1
  }

  bytesUsed(): number {
    return this.index.bytesUsed
  }

  mailboxes(): Mailbox[] {
    return this.states().map(state => {
      const { uid_next, uid_validity, modseq } = state.row()
      const { messages, unseen, bytes } = this.index.counts(state.id)
      const specialUse = specialUses.get(state.name)
      const { name } = state
      return {
        name,
        specialUse,
        messages,
        unseen,
        uidNext: uid_next,
        uidValidity: uid_validity,
        highestModseq: modseq,
        bytes
      }
    })
  }

  /** All mailboxes, ordered by name. */
  states(): MailboxState[] {
    return [...this.#mailboxes.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** The mailbox with a name; `undefined` without one. Throws `ERR_INVALID_ARGUMENT` for an invalid name. */
  state(name: string): MailboxState | undefined {
    return this.#mailboxes.get(checkName(name))
  }

  /** The mailbox with a name, created if it does not exist. */
  async ensure(name: string): Promise<MailboxState> {
    return (
      this.state(name) ?? (await this.#mutex.run(async () => this.state(name) ?? (await this.#create(checkName(name)))))
    )
  }

  /** Creates a mailbox. Rejects with `ERR_MAILBOX_EXISTS`. */
  async create(name: string): Promise<MailboxState> {
    return await this.#mutex.run(async () => {
      if (this.state(name)) throw new MailError('ERR_MAILBOX_EXISTS', 'the mailbox exists already')
      return await this.#create(checkName(name))
    })
  }

  /** Deletes a mailbox with its messages. Mailboxes below it stay. Rejects with `ERR_NO_MAILBOX`. */
  async delete(name: string): Promise<void> {
    await this.#mutex.run(async () => {
      const state = this.#existing(name)
      if (state.name === 'INBOX') throw new MailError('ERR_INVALID_ARGUMENT', 'INBOX cannot be deleted')
      await state.mutex.run(async () => {
        // Rename first, so that a crash leaves no partial mailbox. Names with two dots are not mailboxes.
        const gone = join(this.#folder, `..deleted-${state.uidValidity}`)
        await rename(state.path, gone)
        this.index.transaction(() => this.index.removeMailbox(state.id))
        this.#mailboxes.delete(state.name)
        state.end()
        await rm(gone, { recursive: true, force: true })
      })
    })
  }

  /** Renames a mailbox and those below it. Rejects with `ERR_NO_MAILBOX`, `ERR_MAILBOX_EXISTS`. */
  async rename(from: string, to: string): Promise<void> {
    const target = checkName(to)
    await this.#mutex.run(async () => {
      const source = checkName(from)
      const below = source + separator
      const states = this.states().filter(({ name }) => name === source || name.startsWith(below))
      if (states.length === 0) throw new MailError('ERR_NO_MAILBOX', 'the mailbox does not exist')
      const names = states.map(({ name }) => checkName(target + name.slice(source.length)))
      if (target === source || target.startsWith(below)) {
        throw new MailError('ERR_INVALID_ARGUMENT', 'a mailbox cannot move below itself')
      }
      if (names.some(name => this.state(name))) throw new MailError('ERR_MAILBOX_EXISTS', 'the mailbox exists already')
      for (const [at, state] of states.entries()) {
        const name = names[at] as string
        await state.mutex.run(async () => {
          await rename(state.path, join(this.#folder, folderOf(name)))
          this.index.transaction(() => this.index.renameMailbox(state.id, name))
          this.#mailboxes.delete(state.name)
          this.#mailboxes.set(name, state)
          state.renamed(name)
        })
      }
      await syncFolder(this.#folder)
    })
  }

  subscriptions(): string[] {
    return this.index.db.all<{ name: string }>('SELECT name FROM subscriptions ORDER BY name').map(({ name }) => name)
  }

  subscribe(name: string): void {
    const known = checkName(name)
    if (this.subscriptions().length >= maxMailboxes) throw new MailError('ERR_QUOTA', 'too many subscriptions')
    this.index.db.run('INSERT OR IGNORE INTO subscriptions VALUES (?)', known)
  }

  unsubscribe(name: string): void {
    this.index.db.run('DELETE FROM subscriptions WHERE name = ?', checkName(name))
  }

  /** A path for a future message, in `tmp` of INBOX. Leftovers are removed at the next start. */
  spoolPath(): string {
    return join(this.#folder, 'tmp', freshBase(0))
  }

  /** Throws `ERR_QUOTA` if this many bytes exceed the quota. */
  checkQuota(bytes: number): void {
    if (this.bytesUsed() + this.#reserved + bytes > this.quotaBytes) {
      throw new MailError('ERR_QUOTA', `the quota of ${this.quotaBytes} bytes is used up`)
    }
  }

  /** Applies creation and removal of mailboxes by other programs. Cheap without changes. */
  async syncFolders(): Promise<void> {
    const { mtimeMs } = await stat(this.#folder)
    if (mtimeMs === this.#foldersTime) return
    await this.#mutex.run(async () => {
      const found = new Set(['INBOX'])
      for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
        const name = entry.isDirectory() ? mailboxOf(entry.name) : undefined
        if (name !== undefined && (await isMailbox(join(this.#folder, entry.name)))) found.add(name)
      }
      for (const state of this.states()) {
        if (found.has(state.name)) continue
        this.index.transaction(() => this.index.removeMailbox(state.id))
        this.#mailboxes.delete(state.name)
        state.end()
      }
      for (const name of found) {
        if (!this.#mailboxes.has(name) && this.#mailboxes.size < maxMailboxes) await this.#create(name)
      }
      this.#foldersTime = mtimeMs
    })
  }

  close(): void {
    for (const state of this.#mailboxes.values()) state.close()
    this.index.db.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async #start(): Promise<void> {
    const known = this.index.mailboxes()
    for (const row of known) this.#mailboxes.set(row.name, new MailboxState(this.#folder, this.index, row))
    for (const entry of await readdir(this.#folder)) {
      if (entry.startsWith('..deleted-')) await rm(join(this.#folder, entry), { recursive: true, force: true })
    }
    await this.syncFolders()
    const isNew = !known.some(({ name }) => name === 'INBOX')
    if (isNew) {
      for (const name of specialUses.keys()) await this.ensure(name)
      for (const name of ['INBOX', ...specialUses.keys()]) this.subscribe(name)
    }
    await recover(this.index, this.deliveries, name => this.#mailboxes.get(name))
    for (const state of this.#mailboxes.values()) {
      await state.mutex.run(() => state.scan())
      if (isNew) rememberDeliveries(this.index, this.deliveries, state)
      await cleanTmp(state.path, async file => (await stat(file)).mtimeMs)
    }
  }

  async #store(
    mailbox: MailboxState,
    content: Uint8Array | { file: string },
    flags: Flags,
    received: number,
    hash: string | undefined
  ): Promise<number> {
    const bytes = content instanceof Uint8Array ? content.length : await sizeOf(content.file)
    this.checkQuota(bytes)
    this.#reserved += bytes
    try {
      const base = hash === undefined ? freshBase(bytes) : deliveryBase(hash, bytes, Date.now())
      const file = flags.system === 0 ? `new/${base}` : fileOf(base, flags.system, '')
      const remembered = hash !== undefined
      const named = hash ?? hashOfId(base)
      return await this.deliveries.store({
        hash: named,
        remembered,
        mailbox,
        content,
        bytes,
        base,
        file,
        flags,
        received
      })
    } finally {
      this.#reserved -= bytes
    }
  }

  async #create(name: string): Promise<MailboxState> {
    // Both names would map to one folder.
    const isSame = (other: string) => other !== name && other.toLowerCase() === name.toLowerCase()
    if (foldsCase && [...this.#mailboxes.keys()].some(isSame)) {
      throw new MailError('ERR_MAILBOX_EXISTS', 'a mailbox exists whose name differs only in case')
    }
    if (this.#mailboxes.size >= maxMailboxes)
      throw new MailError('ERR_QUOTA', `the account has ${maxMailboxes} mailboxes`)
    try {
      await makeFolders(this.#folder, folderOf(name))
    } catch (error) {
      throw storageError('create the mailbox', error)
    }
    const row = this.index.transaction(() => this.index.addMailbox(name))
    const state = new MailboxState(this.#folder, this.index, row)
    this.#mailboxes.set(name, state)
    return state
  }

  #existing(name: string): MailboxState {
    const state = this.state(name)
    if (!state) throw new MailError('ERR_NO_MAILBOX', 'the mailbox does not exist')
    return state
  }
}

async function isMailbox(path: string): Promise<boolean> {
  const isMaildir = await stat(join(path, 'cur')).then(
    found => found.isDirectory(),
    () => false
  )
  if (!isMaildir) return false
  // Other programs create the three folders on first use.
  for (const folder of ['new', 'tmp']) await mkdir(join(path, folder), { recursive: true, mode: 0o700 })
  return true
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    throw storageError('read the file of the message', error)
  }
}
