import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { PeerStream } from '../../index.js'
import type { ProgressDisplay } from '../progress.js'
import type { OfferedEntry, TargetFolder } from './destination.js'
import { digestOf, hashStart } from './digest.js'
import { onDisk } from './disk.js'
import { digest, invalidLine, limits, readMessage, TransferError, wholeNumber } from './messages.js'
import type { Offer } from './offer.js'

/** Options for receiving a transfer. */
export interface ReceivingOptions {
  readonly signal: AbortSignal
  readonly progress: ProgressDisplay
  /** Maximum bytes of the transfer. */
  readonly maxBytes: number
  /** Whether the transfer with this ID is in progress. */
  readonly isActive: (id: string) => boolean
  /** Called during local work that the sender waits for. */
  readonly onWork: () => void
  /** Called for each complete file. */
  readonly onFile: (path: string, bytes: number, sha256: string) => Promise<void>
}

/** A partial or complete file. */
interface Presence {
  readonly index: number
  readonly bytes: number
  /** Whether it is complete and has its final name. */
  readonly isNamed: boolean
}

/** Receives the files of an offer into a folder. */
export class FileReceiver {
  readonly #stream: PeerStream
  readonly #offer: Offer
  readonly #target: TargetFolder
  readonly #options: ReceivingOptions
  /** Files that need no bytes. */
  readonly #complete = new Set<number>()
  /** Bytes and digest of the start of a file, proved by the sender. */
  readonly #starts = new Map<number, { readonly bytes: number; readonly hash: Hash }>()
  readonly #frame = Buffer.allocUnsafe(limits.frameBytes)

  constructor(stream: PeerStream, offer: Offer, target: TargetFolder, options: ReceivingOptions) {
    this.#stream = stream
    this.#offer = offer
    this.#target = target
    this.#options = options
  }

  /** Runs the transfer up to the sender's last line. */
  async run(): Promise<void> {
    const { maxBytes, signal } = this.#options
    const { total, entries } = this.#offer
    if (total !== null && total > maxBytes) throw tooLarge(maxBytes)
    await this.#agree(await this.#present())
    for (const [index, entry] of entries.entries()) {
      if (entry.size === undefined) await this.#target.makeFolder(entry.path.split('/'))
      else if (!this.#complete.has(index)) await this.#receive(index, entry)
    }
    const { end } = await readMessage(this.#stream, signal)
    if (end !== true) throw invalidLine()
  }

  /** Finds existing data. */
  async #present(): Promise<Presence[]> {
    const { id, entries } = this.#offer
    const parts = await this.#target.parts(id, this.#options.isActive)
    const found: Presence[] = []
    for (const [index, entry] of entries.entries()) {
      this.#options.signal.throwIfAborted()
      const present = await this.#target.look(entry)
      const { size } = entry
      if (size === undefined || size === null) continue
      const part = parts.get(index) ?? 0
      if (present === 'same-size') found.push({ index, bytes: size, isNamed: true })
      else if (part > 0 && part <= size) found.push({ index, bytes: part, isNamed: false })
    }
    return found
  }

  /** Reports existing data to the sender, which must prove that its file begins with the same bytes. */
  async #agree(present: readonly Presence[]): Promise<void> {
    const lines = present.map(({ index, bytes }) => `${JSON.stringify({ have: index, bytes })}\n`)
    await this.#stream.write(`${lines.join('')}{"ready":true}\n`)
    for (const presence of present) await this.#check(presence)
    const { total } = this.#offer
    const { progress, isActive } = this.#options
    if (total !== null && !(await this.#target.makeRoom(total - progress.done, this.#offer.id, isActive))) {
      throw new TransferError('disk', 'the receiver cannot write: the disk has too little free space')
    }
  }

  async #check({ index, bytes, isNamed }: Presence): Promise<void> {
    const { id } = this.#offer
    const entry = this.#entry(index)
    const file = isNamed
      ? await this.#target.openPresent(entry)
      : await this.#target.openPart(id, index, entry.executable === true)
    let hash: Hash
    try {
      hash = await onDisk('read', hashStart(file, bytes, this.#options))
    } finally {
      await file.close()
    }
    const { prove, sha256 } = await readMessage(this.#stream, this.#options.signal)
    if (prove !== index) throw invalidLine()
    const isSame = digest(sha256) === digestOf(hash)
    if (isNamed && !isSame) this.#target.differs(entry)
    if (isSame) {
      this.#options.progress.skip(bytes)
      if (bytes === entry.size) await this.#finishPresent(index, entry, isNamed, digestOf(hash))
      else this.#starts.set(index, { bytes, hash })
    }
    await this.#stream.writeJson({ file: index, from: isSame ? bytes : 0 })
  }

  async #finishPresent(index: number, entry: OfferedEntry, isNamed: boolean, sha256: string): Promise<void> {
    if (!isNamed) await this.#target.commit(this.#offer.id, index, entry)
    this.#complete.add(index)
    await this.#options.onFile(entry.path, entry.size ?? 0, sha256)
  }

  /** Receives the rest of a file, checks its digest and renames it. */
  async #receive(index: number, entry: OfferedEntry): Promise<void> {
    const { id } = this.#offer
    const start = this.#starts.get(index) ?? { bytes: 0, hash: createHash('sha256') }
    const message = await readMessage(this.#stream, this.#options.signal)
    if (message.file !== index || message.from !== start.bytes) throw invalidLine()
    const file = await this.#target.openPart(id, index, entry.executable === true)
    let bytes: number
    try {
      await onDisk('write', file.truncate(start.bytes))
      bytes = await this.#write(file, entry, start)
      await onDisk('write', file.sync())
    } catch (error) {
      await file.close()
      // A partial file with wrong bytes is useless.
      const isWrong = error instanceof TransferError && ['digest', 'too-large'].includes(error.reason)
      if (isWrong || entry.size === null) await this.#target.discard(id, index)
      throw error
    }
    await onDisk('write', file.close())
    await this.#target.commit(id, index, entry)
    await this.#options.onFile(entry.path, bytes, digestOf(start.hash))
  }

  /** Writes frames until the digest. Returns the size of the file. */
  async #write(file: FileHandle, entry: OfferedEntry, start: { bytes: number; hash: Hash }): Promise<number> {
    const { signal, progress, maxBytes } = this.#options
    const most = entry.size ?? maxBytes
    let position = start.bytes
    while (true) {
      const message = await readMessage(this.#stream, signal)
      if (message.sha256 !== undefined) {
        if (entry.size !== null && position !== entry.size) throw invalidLine()
        if (digest(message.sha256) === digestOf(start.hash)) return position
        throw new TransferError('digest', `'${entry.path}' arrived corrupted: the digests differ`)
      }
      const length = wholeNumber(message.bytes, limits.frameBytes)
      if (position + length > most) throw entry.size === null ? tooLarge(maxBytes) : invalidLine()
      const bytes = await readFrame(this.#stream, this.#frame.subarray(0, length), signal)
      start.hash.update(bytes)
      await onDisk('write', writeAll(file, bytes, position))
      position += length
      await progress.add(length)
    }
  }

  #entry(index: number): OfferedEntry {
    const entry = this.#offer.entries[index]
    if (entry === undefined) throw invalidLine()
    return entry
  }
}

/** Fills a buffer with the next bytes of a stream. */
export async function readFrame(stream: PeerStream, into: Buffer, signal: AbortSignal): Promise<Buffer> {
  for (let done = 0; done < into.length; ) {
    const count = await stream.read({ into: into.subarray(done), signal })
    if (count === null) throw new TransferError('invalid', 'the transfer ended in the middle of a file')
    done += count
  }
  return into
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}

/** The transfer exceeds the receiver's limit. */
export function tooLarge(maxBytes: number): TransferError {
  return new TransferError('too-large', `the receiver accepts at most ${maxBytes} bytes: see --max-size`)
}
