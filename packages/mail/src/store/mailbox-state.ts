import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MailError } from '../errors.js'
import type { MailboxRow, MessageIndex } from './message-index.js'
import { Mutex } from './mutex.js'
import { folderOf } from './names.js'
import { scan } from './scan.js'

/** Poll interval for changes of other programs in a watched mailbox, in milliseconds. */
const pollMs = 1000

/** Maximum time between two scans of a changing mailbox, in milliseconds. */
const maxPauseMs = 5000

/** Resolution of folder times, in milliseconds: a second change within it may not be visible. */
const timeGranularityMs = 2000

/** An existing mailbox. Renaming keeps the object; deletion ends it. */
export class MailboxState {
  readonly id: number
  readonly uidValidity: number
  /** Serializes operations that rename or remove files: STORE, EXPUNGE, MOVE and scans. */
  readonly mutex: Mutex = new Mutex()
  readonly #root: string
  readonly #index: MessageIndex
  readonly #watchers = new Set<() => void>()
  #name: string
  #deleted = false
  /** Counts removals, so that sessions compare their view only after one. */
  #removals = 0
  #times = ''
  #settled = false
  #nextScan = 0
  #poll: NodeJS.Timeout | undefined

  constructor(root: string, index: MessageIndex, { id, name, uid_validity }: MailboxRow) {
    this.#root = root
    this.#index = index
    this.id = id
    this.#name = name
    this.uidValidity = uid_validity
  }

  get name(): string {
    return this.#name
  }

  /** Folder of the mailbox. */
  get path(): string {
    return join(this.#root, folderOf(this.#name))
  }

  get deleted(): boolean {
    return this.#deleted
  }

  get removals(): number {
    return this.#removals
  }

  /** The mailbox's row. Throws `ERR_NO_MAILBOX` once it is deleted. */
  row(): MailboxRow {
    const row = this.#deleted ? undefined : this.#index.mailbox(this.id)
    if (!row) throw new MailError('ERR_NO_MAILBOX', 'the mailbox was deleted')
    return row
  }

  /** Calls back when messages are added, changed or removed, also by other programs, until the returned function is called. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    this.#poll ??= setInterval(() => void this.sync().catch(() => {}), pollMs).unref()
    return () => {
      this.#watchers.delete(changed)
      if (this.#watchers.size === 0) this.#stopPolling()
    }
  }

  /** Notifies the watchers of a change. */
  changed({ removed = false }: { removed?: boolean } = {}): void {
    if (removed) this.#removals++
    for (const watcher of this.#watchers) watcher()
  }

  /**
   * Applies changes of other programs in the folder. Cheap without changes. After a scan, pauses for twenty times its duration, unless `now`
   * is true.
   */
  async sync({ now = false }: { now?: boolean } = {}): Promise<void> {
    if (this.#deleted || (!now && performance.now() < this.#nextScan)) return
    const times = await this.#folderTimes()
    if (times === this.#times && this.#settled) return
    await this.mutex.run(() => this.scan())
  }

  /** Like {@link sync}, but ignores the folder's times. Call it with the mutex held. */
  async scan(): Promise<void> {
    if (this.#deleted) return
    const started = performance.now()
    const times = await this.#folderTimes()
    await scan(this, this.#index)
    this.#times = times
    const newest = Math.max(...times.split(' ').map(Number))
    this.#settled = Date.now() - newest > timeGranularityMs || newest > Date.now() + timeGranularityMs
    this.#nextScan = performance.now() + Math.min((performance.now() - started) * 20, maxPauseMs)
  }

  /** Records a rename, after the folder was renamed. */
  renamed(name: string): void {
    this.#name = name
  }

  /** Records that the mailbox was deleted. */
  end(): void {
    this.#deleted = true
    this.changed({ removed: true })
    this.#watchers.clear()
    this.#stopPolling()
  }

  /** Stops polling without notifying watchers. */
  close(): void {
    this.#watchers.clear()
    this.#stopPolling()
  }

  #stopPolling(): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  async #folderTimes(): Promise<string> {
    const times = await Promise.all(['new', 'cur'].map(async folder => (await stat(join(this.path, folder))).mtimeMs))
    return times.join(' ')
  }
}
