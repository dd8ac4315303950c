import { createHash } from 'node:crypto'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { storageError } from '../errors.js'
import { step } from '../steps.js'
import { BareLineFeeds, corrected, measure } from './content.js'
import type { Flags } from './flags.js'
import type { MailboxState } from './mailbox-state.js'
import { removeFile, syncFolder } from './maildir.js'
import type { MessageIndex, NewMessage } from './message-index.js'

/** Maximum deliveries and bytes of a round, which shares syncs. */
const maxRound = 64
const maxRoundBytes = 32 * 1024 * 1024

/** Concurrent file writes of a round. */
const writers = 8

/** Maximum remembered IDs of stored messages, for duplicate detection. */
const maxRemembered = 200_000

/** The hash of an ID, as in the index and in file names. */
export function hashOfId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32)
}

/** A message that is being delivered. */
export interface Delivery {
  /** Hash of its id. */
  readonly hash: string
  /** Whether the hash is remembered once the message is stored. */
  readonly remembered: boolean
  readonly mailbox: MailboxState
  readonly content: Uint8Array | { readonly file: string }
  /** Bytes of the file. */
  readonly bytes: number
  /** Name of the file without flags. */
  readonly base: string
  /** Path of the file inside the mailbox's folder. */
  readonly file: string
  readonly flags: Flags
  readonly received: number
}

interface Waiting extends Delivery {
  resolve(uid: number): void
  reject(error: unknown): void
}

/** A row of the table of deliveries. */
export interface DeliveryRow {
  readonly hash: string
  readonly stored: number
  readonly mailbox: string
  readonly base: string
  readonly file: string
  readonly size: number
  readonly bare_lf: number
  readonly received: number
  readonly keywords: string
  readonly uid: number
}

/**
 * Stores messages durably. Steps: pending row, file in `tmp`, sync of the file, rename, sync of the folder, stored row. Concurrent
 * deliveries form rounds that share the syncs of rows and folders, so that disk latency does not multiply.
 */
export class Deliveries {
  readonly #index: MessageIndex
  #waiting: Waiting[] = []
  #running = false
  /** Hashes whose pending row could not be removed, as on a full disk. */
  #leftPending = new Set<string>()
  #sincePruned = 0

  constructor(index: MessageIndex) {
    this.#index = index
  }

  /** Stores a message and resolves to its UID. On `ERR_STORAGE`, no partial data remains. */
  async store(delivery: Delivery): Promise<number> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ ...delivery, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  /** The row of a hash. */
  row(hash: string): DeliveryRow | undefined {
    return this.#index.db.get<DeliveryRow>('SELECT * FROM deliveries WHERE hash = ?', hash)
  }

  /** All rows that a crash left pending. */
  pending(): DeliveryRow[] {
    return this.#index.db.all<DeliveryRow>('SELECT * FROM deliveries WHERE stored = 0')
  }

  /** Marks a delivery as stored. Call it in a transaction. */
  stored(hash: string, uid: number): void {
    this.#index.db.run('UPDATE deliveries SET stored = 1, uid = ? WHERE hash = ?', uid, hash)
  }

  /** Forgets a delivery. Call it in a transaction. */
  forget(hash: string): void {
    this.#index.db.run('DELETE FROM deliveries WHERE hash = ?', hash)
  }

  /** Restores a delivery from its file name after the index was lost. Call it in a transaction. */
  remember(hash: string, mailbox: string, message: NewMessage, uid: number): void {
    this.#index.db.run(
      'INSERT OR IGNORE INTO deliveries VALUES (NULL, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)',
      hash,
      mailbox,
      message.base,
      message.file,
      message.size,
      message.bare_lf,
      message.received,
      message.keywords,
      uid
    )
  }

  async #run(): Promise<void> {
    this.#running = true
    // Calls of the same turn share the first round.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      let bytes = 0
      let count = 0
      for (const { content } of this.#waiting) {
        bytes += content instanceof Uint8Array ? content.length : 0
        if (count > 0 && (count === maxRound || bytes > maxRoundBytes)) break
        count++
      }
      const round = this.#waiting.splice(0, count)
      try {
        await this.#round(round)
      } catch (error) {
        for (const { reject } of round) reject(storageError('store the message', error))
      }
    }
    this.#running = false
  }

  async #round(round: Waiting[]): Promise<void> {
    this.#insertPending(round)
    for (const { hash } of round) step('store.pending', hash)
    const placed: { delivery: Waiting; message: NewMessage }[] = []
    const failed: { delivery: Waiting; error: unknown }[] = []
    const queue = round.values()
    const work = async () => {
      for (const delivery of queue) {
        try {
          placed.push({ delivery, message: await place(delivery) })
        } catch (error) {
          failed.push({ delivery, error })
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(writers, round.length) }, work))
    try {
      const folders = new Set(placed.map(({ delivery }) => dirname(join(delivery.mailbox.path, delivery.file))))
      for (const folder of folders) await syncFolder(folder)
      for (const { delivery } of placed) step('store.placed', delivery.hash)
      const uids = this.#insertStored(placed, failed)
      for (const { delivery } of placed) step('store.stored', delivery.hash)
      for (const [at, { delivery }] of placed.entries()) delivery.resolve(uids[at] ?? 0)
    } catch (error) {
      for (const { delivery } of placed) await takeBack(delivery).catch(() => {})
      for (const { delivery } of [...placed, ...failed]) this.#leftPending.add(delivery.hash)
      for (const { delivery } of placed) failed.push({ delivery, error })
    }
    for (const { delivery, error } of failed) delivery.reject(storageError('store the message', error))
    for (const mailbox of new Set(placed.map(({ delivery }) => delivery.mailbox))) mailbox.changed()
  }

  #insertPending(round: Waiting[]): void {
    this.#index.transaction(() => {
      for (const hash of this.#leftPending) this.forget(hash)
      for (const { hash, mailbox, base, file, bytes, received, flags } of round) {
        this.#index.db.run(
          'INSERT OR REPLACE INTO deliveries VALUES (NULL, ?, 0, ?, ?, ?, ?, 0, ?, ?, 0)',
          hash,
          mailbox.name,
          base,
          file,
          bytes,
          received,
          flags.keywords
        )
      }
    })
    this.#leftPending.clear()
  }

  #insertStored(placed: { delivery: Waiting; message: NewMessage }[], failed: { delivery: Waiting }[]): number[] {
    return this.#index.transaction(() => {
      for (const { delivery } of failed) this.forget(delivery.hash)
      const modseqs = new Map<number, number>()
      const uids = placed.map(({ delivery: { mailbox, hash, remembered }, message }) => {
        const modseq = modseqs.get(mailbox.id) ?? this.#index.nextModseq(mailbox.id)
        modseqs.set(mailbox.id, modseq)
        const uid = this.#index.insert(mailbox.id, message, modseq)
        if (remembered) this.stored(hash, uid)
        else this.forget(hash)
        return uid
      })
      this.#prune(placed.length)
      return uids
    })
  }

  /** Forgets the oldest IDs. Limited by count, because a clock jump must not cause duplicates. */
  #prune(added: number): void {
    this.#sincePruned += added
    if (this.#sincePruned < 1000) return
    this.#sincePruned = 0
    const sql = 'DELETE FROM deliveries WHERE stored = 1 AND id <= (SELECT max(id) FROM deliveries) - ?'
    this.#index.db.run(sql, maxRemembered)
  }
}

/** Writes, syncs and renames the file. Removes it on failure. */
async function place(delivery: Delivery): Promise<NewMessage> {
  const { content, mailbox, base, file, flags, received } = delivery
  const target = join(mailbox.path, file)
  const source = content instanceof Uint8Array ? join(mailbox.path, 'tmp', base) : content.file
  let bareLineFeeds: number
  if (content instanceof Uint8Array) {
    const feeds = new BareLineFeeds()
    feeds.add(content)
    bareLineFeeds = feeds.count
  } else {
    bareLineFeeds = (await measure(source)).bareLineFeeds
  }
  try {
    const handle = content instanceof Uint8Array ? await write(source, content) : await open(source, 'r+')
    try {
      // Maildir stores the internal date there.
      await handle.utimes(received / 1000, received / 1000)
      await handle.sync()
    } finally {
      await handle.close()
    }
    step('store.written', delivery.hash)
    await rename(source, target)
    step('store.renamed', delivery.hash)
  } catch (error) {
    if (content instanceof Uint8Array) await removeFile(source).catch(() => {})
    throw error
  }
  const { system, keywords } = flags
  return { base, file, system, keywords, letters: '', ...corrected(delivery.bytes, bareLineFeeds), received }
}

async function write(path: string, content: Uint8Array): Promise<FileHandle> {
  const handle = await open(path, 'w', 0o600)
  try {
    for (let at = 0; at < content.length; ) at += (await handle.write(content, at)).bytesWritten
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Undoes {@link place}: moves a moved file back. */
async function takeBack({ content, mailbox, file }: Delivery): Promise<void> {
  const path = join(mailbox.path, file)
  if (content instanceof Uint8Array) await removeFile(path)
  else await rename(path, content.file)
}
