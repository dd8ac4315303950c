import type { Part } from '../mime/structure.js'
import type { MailboxState } from '../store/mailbox-state.js'
import type { MessageRow } from '../store/message-index.js'
import { claimRecent } from '../store/messages.js'
import type { MaildirStore } from '../store/store.js'
import { formatFlags } from './format.js'
import type { Output } from './output.js'
import { Goodbye } from './refused.js'
import { lowerBound, mergeRanges, type NumberRange, sequenceNumbers } from './sets.js'

/** Maximum reported keywords of a mailbox. */
const maxKeywords = 1000

/** Batch size for reading rows. */
const pageSize = 1000

/** Maximum cached structures, for clients that fetch a part in pieces. */
const maxStructures = 4

/** A session's view of the selected mailbox. It changes only when changes are reported to the client. */
export class View {
  readonly store: MaildirStore
  readonly mailbox: MailboxState
  readonly isReadOnly: boolean
  /** UIDs in the order of sequence numbers. Removed messages stay until they are reported. */
  readonly uids: number[]
  /** UIDs with `\Recent` in this session. */
  readonly recent: Set<number>
  /** Reported keywords. */
  readonly #keywords = new Set<string>()
  readonly #structures = new Map<number, Part>()
  #modseq: number
  #nextUid: number
  #removals: number

  private constructor(store: MaildirStore, mailbox: MailboxState, isReadOnly: boolean, recent: number[]) {
    this.store = store
    this.mailbox = mailbox
    this.isReadOnly = isReadOnly
    this.recent = new Set(recent)
    const { modseq, uid_next } = mailbox.row()
    this.#modseq = modseq
    this.#nextUid = uid_next
    this.#removals = mailbox.removals
    this.uids = store.index.uids(mailbox.id)
  }

  static async open(store: MaildirStore, mailbox: MailboxState, isReadOnly: boolean): Promise<View> {
    await mailbox.sync({ now: true })
    const recent = isReadOnly ? store.index.recent(mailbox.id).map(({ uid }) => uid) : await claimRecent(store, mailbox)
    return new View(store, mailbox, isReadOnly, recent)
  }

  /** The highest reported modification sequence. */
  get modseq(): number {
    return this.#modseq
  }

  /** Number of reported messages with `\Recent`. */
  get recentCount(): number {
    return [...this.recent].filter(uid => this.numberOf(uid) > 0).length
  }

  /** The sequence number of a message, or 0. */
  numberOf(uid: number): number {
    const at = lowerBound(this.uids, uid)
    return this.uids[at] === uid ? at + 1 : 0
  }

  /** The UIDs of a set, ascending. Throws `BadCommand` for invalid sequence numbers. */
  resolve(ranges: readonly NumberRange[], isUid: boolean): number[] {
    const { uids } = this
    if (!isUid) return sequenceNumbers(ranges, uids.length).flatMap(([first, last]) => uids.slice(first - 1, last))
    return mergeRanges(ranges, uids.at(-1) ?? 1).flatMap(([first, last]) =>
      uids.slice(lowerBound(uids, first), lowerBound(uids, last + 1))
    )
  }

  /** The row of a message, or `undefined` if it was removed. */
  row(uid: number): MessageRow | undefined {
    return this.store.index.message(this.mailbox.id, uid)
  }

  /** Reports the flags of the mailbox and the permanent ones. Repeated when a message gets a new keyword. */
  tellFlags(output: Output): void {
    for (const keyword of this.store.index.keywords(this.mailbox.id)) this.#keywords.add(keyword)
    const flags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft', ...this.#keywords].join(' ')
    output.line(`* FLAGS (${flags})`)
    output.line(`* OK [PERMANENTFLAGS (${this.isReadOnly ? '' : `${flags} \\*`})] kept flags`)
  }

  /** Reports a message's flags. */
  tellMessage(output: Output, row: MessageRow, hasModseq: boolean): void {
    const isNew = row.keywords !== '' && row.keywords.split(' ').some(keyword => !this.#keywords.has(keyword))
    if (isNew && this.#keywords.size < maxKeywords) this.tellFlags(output)
    output.line(this.#flagsLine(row, hasModseq))
  }

  #flagsLine(row: MessageRow, hasModseq: boolean): string {
    const modseq = hasModseq ? ` MODSEQ (${row.modseq})` : ''
    return `* ${this.numberOf(row.uid)} FETCH (UID ${row.uid} FLAGS ${formatFlags(row, this.recent.has(row.uid))}${modseq})`
  }

  /** Records that the client knows its own change, if nothing else changed meanwhile. */
  known(modseq: number | undefined): void {
    if (modseq === this.#modseq + 1) this.#modseq = modseq
  }

  /** Reports changes: removed messages (unless the command uses sequence numbers), then new ones, then flags. */
  async sync(output: Output, { expunges, hasModseq }: { expunges: boolean; hasModseq: boolean }): Promise<void> {
    if (!this.mailbox.deleted) await this.mailbox.sync()
    if (this.mailbox.deleted) throw new Goodbye('the mailbox was deleted')
    if (expunges && this.mailbox.removals !== this.#removals) await this.#syncRemoved(output)
    const { modseq, uid_next } = this.mailbox.row()
    if (modseq === this.#modseq) return
    const before = this.#modseq
    const nextUid = this.#nextUid
    this.#modseq = modseq
    this.#nextUid = uid_next
    if (uid_next !== nextUid) await this.#syncAdded(output, nextUid)
    for (let after = 0; ; ) {
      const rows = this.store.index.changedSince(this.mailbox.id, before, { after, before: nextUid, limit: pageSize })
      for (const row of rows) {
        if (this.numberOf(row.uid) === 0) continue
        this.tellMessage(output, row, hasModseq)
        await output.flushIfFull()
      }
      if (rows.length < pageSize) return
      after = rows.at(-1)?.uid ?? after
    }
  }

  async #syncRemoved(output: Output): Promise<void> {
    this.#removals = this.mailbox.removals
    const now = new Set(this.store.index.uids(this.mailbox.id))
    // From the last to the first, so that earlier numbers stay valid.
    for (let number = this.uids.length; number > 0; number--) {
      const uid = this.uids[number - 1] as number
      if (now.has(uid)) continue
      this.recent.delete(uid)
      this.#structures.delete(uid)
      output.line(`* ${number} EXPUNGE`)
      await output.flushIfFull()
    }
    const left = this.uids.filter(uid => now.has(uid))
    this.uids.length = 0
    for (const uid of left) this.uids.push(uid)
  }

  async #syncAdded(output: Output, nextUid: number): Promise<void> {
    const added = this.store.index.uidsAfter(this.mailbox.id, nextUid - 1).filter(uid => uid < this.#nextUid)
    if (added.length === 0) return
    for (const uid of added) this.uids.push(uid)
    const recent = this.isReadOnly
      ? this.store.index.recent(this.mailbox.id).map(({ uid }) => uid)
      : await claimRecent(this.store, this.mailbox)
    for (const uid of recent) this.recent.add(uid)
    output.line(`* ${this.uids.length} EXISTS`)
    output.line(`* ${this.recentCount} RECENT`)
  }

  /** The cached structure of a message. */
  structure(uid: number): Part | undefined {
    return this.#structures.get(uid)
  }

  /** Caches the structure of a message for the next command. */
  keepStructure(uid: number, structure: Part): void {
    this.#structures.delete(uid)
    this.#structures.set(uid, structure)
    const [oldest] = this.#structures.keys()
    if (this.#structures.size > maxStructures && oldest !== undefined) this.#structures.delete(oldest)
  }
}
