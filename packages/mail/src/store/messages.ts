import { copyFile, link, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MailError, storageError } from '../errors.js'
import { MessageContent } from './content.js'
import { changed, deleted, type FlagChange, type Flags } from './flags.js'
import type { MailboxState } from './mailbox-state.js'
import { fileOf, freshBase, removeFile, syncFolder } from './maildir.js'
import type { MessageRow } from './message-index.js'
import type { MaildirStore } from './store.js'

/** Maximum changed rows per transaction, to bound how long it blocks the event loop. */
const pageSize = 500

/** Opens a message's file. Resolves to `undefined` if the message was removed. */
export async function openMessage(
  store: MaildirStore,
  mailbox: MailboxState,
  uid: number
): Promise<MessageContent | undefined> {
  const open = (row: MessageRow) => MessageContent.open(join(mailbox.path, row.file), row.bare_lf === 1)
  try {
    const row = store.index.message(mailbox.id, uid)
    return row && (await open(row))
  } catch (error) {
    if (!isMissing(error)) throw storageError('read the message', error)
  }
  return await mailbox.mutex.run(() => withFile(store, mailbox, uid, open))
}

/**
 * Calls a function with a message's file. If another program has renamed it by changing flags, searches for it once. Resolves to `undefined`
 * if the message was removed. Call it with the mailbox's mutex held.
 */
async function withFile<Result>(
  store: MaildirStore,
  mailbox: MailboxState,
  uid: number,
  work: (row: MessageRow) => Promise<Result>
): Promise<Result | undefined> {
  for (const isLast of [false, true]) {
    const row = store.index.message(mailbox.id, uid)
    if (!row) return undefined
    try {
      return await work(row)
    } catch (error) {
      if (isLast || !isMissing(error)) throw storageError('use the file of the message', error)
      await mailbox.scan()
    }
  }
  return undefined
}

/** Result of {@link changeFlags}. */
export interface FlagsChanged {
  /** Requested messages that exist, with their current flags. */
  readonly rows: MessageRow[]
  /** Messages with unchanged flags, because they changed after `unchangedSince`. */
  readonly refused: number[]
  /** Sequence of this change; `undefined` if no message changed. */
  readonly modseq: number | undefined
}

/** Changes flags of messages: the name of each file, then the index. */
export async function changeFlags(
  store: MaildirStore,
  mailbox: MailboxState,
  uids: readonly number[],
  change: { how: FlagChange; flags: Flags; unchangedSince?: number | undefined }
): Promise<FlagsChanged> {
  return await mailbox.mutex.run(async () => {
    const rows: MessageRow[] = []
    const refused: number[] = []
    let modseq: number | undefined
    for (let at = 0; at < uids.length; at += pageSize) {
      const updates: MessageRow[] = []
      for (const uid of uids.slice(at, at + pageSize)) {
        const row = store.index.message(mailbox.id, uid)
        if (!row) continue
        if (change.unchangedSince !== undefined && row.modseq > change.unchangedSince) {
          refused.push(uid)
          continue
        }
        const flags = changed(row, change.how, change.flags)
        const isSame = flags.system === row.system && flags.keywords === row.keywords
        if (isSame) {
          rows.push(row)
          continue
        }
        const moved = await withFile(store, mailbox, uid, now => renamed(mailbox, now, flags))
        if (moved) updates.push({ ...moved, ...flags })
      }
      if (updates.length === 0) continue
      store.index.transaction(() => {
        modseq ??= store.index.nextModseq(mailbox.id)
        for (const row of updates) {
          const now = { ...row, modseq }
          store.index.update(mailbox.id, now)
          rows.push(now)
        }
      })
      mailbox.changed()
    }
    return { rows: rows.sort((one, other) => one.uid - other.uid), refused, modseq }
  })
}

/** Renames a file according to its flags, and returns the updated row. */
async function renamed(mailbox: MailboxState, row: MessageRow, flags: Flags): Promise<MessageRow> {
  if (flags.system === row.system) return row
  const file = fileOf(row.base, flags.system, row.letters)
  await rename(join(mailbox.path, row.file), join(mailbox.path, file))
  return { ...row, file }
}

/**
 * Claims unreported messages, moves their files to `cur`, and returns their UIDs. On a full or read-only disk, they stay unreported for the
 * next session.
 */
export async function claimRecent(store: MaildirStore, mailbox: MailboxState): Promise<number[]> {
  return await mailbox.mutex.run(async () => {
    const rows = store.index.recent(mailbox.id)
    if (rows.length === 0) return []
    const claimed: MessageRow[] = []
    for (const row of rows) {
      const file = row.file.startsWith('new/') ? fileOf(row.base, row.system, row.letters) : row.file
      if (file !== row.file) await rename(join(mailbox.path, row.file), join(mailbox.path, file)).catch(() => {})
      // If another program was faster, the next scan finds the file.
      claimed.push({ ...row, file, recent: 0 })
    }
    try {
      store.index.transaction(() => {
        for (const row of claimed) store.index.update(mailbox.id, row)
      })
    } catch (error) {
      if (!(error instanceof MailError && error.code === 'ERR_STORAGE')) throw error
      for (const [at, { file }] of rows.entries()) {
        const moved = claimed[at]?.file ?? file
        if (moved !== file) await rename(join(mailbox.path, moved), join(mailbox.path, file)).catch(() => {})
      }
    }
    return rows.map(({ uid }) => uid)
  })
}

/** Removes messages with `\Deleted`. Returns their UIDs. */
export async function expunge(store: MaildirStore, mailbox: MailboxState, uids: readonly number[]): Promise<number[]> {
  return await mailbox.mutex.run(async () => {
    const removed: number[] = []
    for (let at = 0; at < uids.length; at += pageSize) {
      const page: MessageRow[] = []
      for (const uid of uids.slice(at, at + pageSize)) {
        const row = store.index.message(mailbox.id, uid)
        if (row && row.system & deleted) page.push(row)
      }
      if (page.length === 0) continue
      for (const { uid } of page) await withFile(store, mailbox, uid, row => unlink(join(mailbox.path, row.file)))
      remove(store, mailbox, page)
      removed.push(...page.map(({ uid }) => uid))
    }
    return removed
  })
}

function remove(store: MaildirStore, mailbox: MailboxState, rows: readonly MessageRow[]): void {
  store.index.transaction(() => {
    store.index.nextModseq(mailbox.id)
    for (const { uid } of rows) store.index.remove(mailbox.id, uid)
  })
  mailbox.changed({ removed: true })
}

/** A message and its copy. */
export interface CopiedMessage {
  readonly from: number
  readonly to: number
}

/** Copies messages to another mailbox, all or none: hard links, which cost no space until one is removed. */
export async function copyMessages(
  store: MaildirStore,
  source: MailboxState,
  uids: readonly number[],
  target: MailboxState
): Promise<CopiedMessage[]> {
  return await source.mutex.run(async () => {
    const rows = uids.map(uid => store.index.message(source.id, uid)).filter(row => row !== undefined)
    store.checkQuota(rows.reduce((sum, row) => sum + row.size, 0))
    const placed: Placed[] = []
    try {
      for (const { uid } of rows) {
        await withFile(store, source, uid, async row => {
          const base = freshBase(row.size)
          const file = fileOf(base, row.system, row.letters)
          await linkOrCopy(join(source.path, row.file), join(target.path, file))
          placed.push({ row, now: { ...row, base, file } })
        })
      }
      return await insertPlaced(store, target, placed)
    } catch (error) {
      for (const { now } of placed) await removeFile(join(target.path, now.file)).catch(() => {})
      throw storageError('copy the messages', error)
    }
  })
}

/** Moves messages to another mailbox, all or none. */
export async function moveMessages(
  store: MaildirStore,
  source: MailboxState,
  uids: readonly number[],
  target: MailboxState
): Promise<CopiedMessage[]> {
  return await source.mutex.run(async () => {
    const placed: Placed[] = []
    try {
      for (const uid of uids) {
        await withFile(store, source, uid, async row => {
          // A message that returns or stays gets a new UID, because the index identifies messages by their base.
          const isTaken = source === target || store.index.byBase(target.id, row.base) !== undefined
          const base = isTaken ? freshBase(row.size) : row.base
          const file = fileOf(base, row.system, row.letters)
          await rename(join(source.path, row.file), join(target.path, file))
          placed.push({ row, now: { ...row, base, file } })
        })
      }
      const moved = await insertPlaced(store, target, placed, () => {
        store.index.nextModseq(source.id)
        for (const { row } of placed) store.index.remove(source.id, row.uid)
      })
      source.changed({ removed: true })
      return moved
    } catch (error) {
      for (const { row, now } of placed)
        await rename(join(target.path, now.file), join(source.path, row.file)).catch(() => {})
      throw storageError('move the messages', error)
    }
  })
}

interface Placed {
  readonly row: MessageRow
  readonly now: MessageRow
}

async function insertPlaced(
  store: MaildirStore,
  target: MailboxState,
  placed: readonly Placed[],
  also?: () => void
): Promise<CopiedMessage[]> {
  for (const folder of new Set(placed.map(({ now }) => dirname(join(target.path, now.file))))) await syncFolder(folder)
  const copied = store.index.transaction(() => {
    const modseq = store.index.nextModseq(target.id)
    const copies = placed.map(({ row, now }) => ({ from: row.uid, to: store.index.insert(target.id, now, modseq) }))
    also?.()
    return copies
  })
  target.changed()
  return copied
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // File systems without hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
    await copyFile(from, to)
  }
}

function isMissing(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  return (
    (error as NodeJS.ErrnoException).code === 'ENOENT' ||
    (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  )
}
