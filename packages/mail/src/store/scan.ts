import { join } from 'node:path'
import { corrected, measure } from './content.js'
import { listMessages, type MessageFile } from './maildir.js'
import type { MessageIndex, MessageRow, NewMessage } from './message-index.js'

/** Batch size for reading rows and adding messages. */
const pageSize = 1000

/** Concurrent file reads. */
const readers = 8

interface Scanned {
  readonly id: number
  readonly path: string
  changed(change?: { removed?: boolean }): void
}

/**
 * Compares a mailbox's folder with its index: adds new files, applies flags of renamed files, and removes messages without a file. A rename
 * by another program can hide a file from one listing, so messages are removed only if a second listing also misses them.
 */
export async function scan(mailbox: Scanned, index: MessageIndex): Promise<void> {
  let files = await listMessages(mailbox.path)
  let { missing, moved, added } = compare(mailbox, index, files)
  if (missing.length > 0) {
    files = await listMessages(mailbox.path)
    ;({ missing, moved, added } = compare(mailbox, index, files))
  }
  if (missing.length > 0 || moved.length > 0) {
    index.transaction(() => {
      const modseq = index.nextModseq(mailbox.id)
      for (const { row, file } of moved) {
        const changed = row.system !== file.system
        index.update(mailbox.id, { ...row, ...file, modseq: changed ? modseq : row.modseq })
      }
      for (const { uid } of missing) index.remove(mailbox.id, uid)
    })
    mailbox.changed({ removed: missing.length > 0 })
  }
  // Sorted by name, which begins with the time, so that UIDs follow the order of delivery.
  added.sort((one, other) => (one.base < other.base ? -1 : 1))
  for (let at = 0; at < added.length; at += pageSize) await add(mailbox, index, added.slice(at, at + pageSize))
}

function compare(mailbox: Scanned, index: MessageIndex, files: Map<string, MessageFile>) {
  const missing: MessageRow[] = []
  const moved: { row: MessageRow; file: MessageFile }[] = []
  const left = new Map(files)
  let after = 0
  for (;;) {
    const rows = index.page(mailbox.id, after, pageSize)
    for (const row of rows) {
      const file = left.get(row.base)
      if (!file) missing.push(row)
      else if (file.file !== row.file) moved.push({ row, file })
      left.delete(row.base)
    }
    if (rows.length < pageSize) break
    after = rows.at(-1)?.uid ?? after
  }
  return { missing, moved, added: [...left.values()] }
}

async function add(mailbox: Scanned, index: MessageIndex, files: MessageFile[]): Promise<void> {
  const messages: NewMessage[] = []
  for (let at = 0; at < files.length; at += readers) {
    const read = await Promise.all(files.slice(at, at + readers).map(file => readableMessage(mailbox.path, file)))
    messages.push(...read.filter(message => message !== undefined))
  }
  if (messages.length === 0) return
  index.transaction(() => {
    const modseq = index.nextModseq(mailbox.id)
    for (const message of messages) index.insert(mailbox.id, message, modseq)
  })
  mailbox.changed()
}

async function readableMessage(folder: string, file: MessageFile): Promise<NewMessage | undefined> {
  try {
    return await newMessage(folder, file)
  } catch (error) {
    // Removed, renamed, a folder, or unreadable: left to the next scan.
    if (['ENOENT', 'EISDIR', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Index data of a file. The internal date is the file's time. */
export async function newMessage(folder: string, file: MessageFile, keywords: string = ''): Promise<NewMessage> {
  const { bytes, bareLineFeeds, changed } = await measure(join(folder, file.file))
  return { ...file, keywords, ...corrected(bytes, bareLineFeeds), received: Math.floor(changed.getTime()) }
}
