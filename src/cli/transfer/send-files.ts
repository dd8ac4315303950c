import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFastnNetError, type PeerStream } from '../../index.js'
import type { ProgressDisplay } from '../progress.js'
import { digestOf, hashStart } from './digest.js'
import {
  errorLine,
  invalidLine,
  limits,
  PeerTransferError,
  readMessage,
  TransferError,
  wholeNumber
} from './messages.js'
import { type Source, type SourceEntry, unreadable } from './source.js'

/** Options for sending a transfer. */
export interface SendingOptions {
  readonly signal: AbortSignal
  readonly progress: ProgressDisplay
  /** Bytes per second. */
  readonly limitRate: number
}

/** How long a failed sender waits for the receiver's reason. */
const reasonMs = 2_000

/** Sends a source over one stream. */
export class FileSender {
  readonly #stream: PeerStream
  readonly #source: Source
  readonly #options: SendingOptions
  /** Start offset of each file that the receiver has partially. */
  readonly #from = new Map<number, number>()
  /** Digests of these parts. */
  readonly #hashes = new Map<number, Hash>()
  readonly #started = performance.now()

  constructor(stream: PeerStream, source: Source, options: SendingOptions) {
    this.#stream = stream
    this.#source = source
    this.#options = options
  }

  /** Runs the transfer. Resolves once the receiver has everything. */
  async run(): Promise<void> {
    try {
      await this.#offer()
      await this.#prove(await this.#readHaves())
    } catch (error) {
      throw await this.#reason(error, () => readMessage(this.#stream, this.#options.signal))
    }
    // The receiver sends nothing before the end, unless it fails.
    const answer = readMessage(this.#stream, this.#options.signal)
    answer.catch(() => this.#stopInput())
    try {
      await this.#sendAll()
      await this.#stream.finish('{"end":true}\n', { signal: this.#options.signal })
    } catch (error) {
      throw await this.#reason(error, () => answer)
    }
    const { done } = await answer
    if (done !== true) throw invalidLine()
  }

  async #offer(): Promise<void> {
    const { id, name, entries } = this.#source
    let lines = `${JSON.stringify({ id, name, entries: entries.length })}\n`
    for (const { path, size, executable } of entries) {
      lines += `${JSON.stringify({ path, size, executable })}\n`
      if (lines.length < 64 * 1024) continue
      await this.#stream.write(lines, { signal: this.#options.signal })
      lines = ''
    }
    if (lines !== '') await this.#stream.write(lines, { signal: this.#options.signal })
  }

  /** Reads which files the receiver has partially. */
  async #readHaves(): Promise<[index: number, bytes: number][]> {
    const haves: [number, number][] = []
    let next = 0
    while (true) {
      const message = await readMessage(this.#stream, this.#options.signal)
      if (message.ready === true) return haves
      const index = wholeNumber(message.have, this.#source.entries.length - 1)
      const { size } = this.#entry(index)
      if (index < next || size === null || size === undefined) throw invalidLine()
      haves.push([index, wholeNumber(message.bytes, size)])
      next = index + 1
    }
  }

  /** Proves that these files begin with the same bytes, so that the receiver does not reveal its content. */
  async #prove(haves: readonly [number, number][]): Promise<void> {
    const answers = this.#readStarts(haves)
    answers.catch(() => {})
    try {
      for (const [index, bytes] of haves) {
        const entry = this.#entry(index)
        const hash = await this.#withFile(entry, file => hashStart(file, bytes, this.#options))
        if (bytes < (entry.size ?? 0)) this.#hashes.set(index, hash)
        await this.#stream.writeJson({ prove: index, sha256: digestOf(hash) }, { signal: this.#options.signal })
      }
    } catch (error) {
      throw await this.#reason(error, () => answers)
    }
    await answers
  }

  async #readStarts(haves: readonly [number, number][]): Promise<void> {
    for (const [index, bytes] of haves) {
      const { file, from } = await readMessage(this.#stream, this.#options.signal)
      if (file !== index || (from !== 0 && from !== bytes)) throw invalidLine()
      // An empty file is always complete.
      if (from === bytes) this.#from.set(index, bytes)
      this.#options.progress.skip(from === bytes ? bytes : 0)
    }
  }

  async #sendAll(): Promise<void> {
    for (const [index, entry] of this.#source.entries.entries()) {
      const from = this.#from.get(index)
      if (entry.size === undefined || from === entry.size) continue
      const start = from ?? 0
      const hash = (start > 0 ? this.#hashes.get(index) : undefined) ?? createHash('sha256')
      await this.#stream.writeJson({ file: index, from: start }, { signal: this.#options.signal })
      const failure = await this.#sendFile(entry, start, hash).catch((error: unknown) => error)
      if (failure instanceof TransferError) {
        await this.#stream.finish(errorLine(failure), { signal: this.#options.signal })
        await this.#stream.closed.catch(() => {})
      }
      if (failure !== undefined) throw failure
      await this.#stream.writeJson({ sha256: digestOf(hash) }, { signal: this.#options.signal })
    }
  }

  async #sendFile(entry: SourceEntry, start: number, hash: Hash): Promise<undefined> {
    if (entry.size === null) await this.#sendStdin(hash)
    else await this.#withFile(entry, file => this.#sendRest(entry, file, start, hash))
    return undefined
  }

  async #sendRest(entry: SourceEntry, file: FileHandle, start: number, hash: Hash): Promise<void> {
    const size = entry.size ?? 0
    const block = Buffer.allocUnsafe(Math.min(limits.frameBytes, Math.max(this.#options.limitRate / 4, 1024), size))
    for (let position = start; position < size; ) {
      const length = Math.min(block.length, size - position)
      const { bytesRead } = await file.read(block, 0, length, position)
      if (bytesRead === 0) throw changed(entry)
      await this.#sendFrame(block.subarray(0, bytesRead), hash)
      position += bytesRead
    }
    // Files in /proc report size 0.
    if ((await file.read(Buffer.alloc(1), 0, 1, size)).bytesRead > 0) throw longer(entry)
    const { size: now, mtimeMs } = await file.stat()
    if (now !== size || mtimeMs !== entry.changed) throw changed(entry)
  }

  async #sendStdin(hash: Hash): Promise<void> {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += limits.frameBytes) {
        await this.#sendFrame(chunk.subarray(at, at + limits.frameBytes), hash)
      }
    }
  }

  /** Ends a read of stdin, which may block forever, after a failure of the receiver or an interrupt. */
  #stopInput(): void {
    if (this.#source.total === null) process.stdin.destroy()
  }

  async #sendFrame(bytes: Buffer, hash: Hash): Promise<void> {
    const { progress, limitRate, signal } = this.#options
    hash.update(bytes)
    await this.#stream.writeJson({ bytes: bytes.length }, { signal })
    await this.#stream.write(bytes, { signal })
    await progress.add(bytes.length)
    if (limitRate === Number.POSITIVE_INFINITY) return
    const early = (progress.moved / limitRate) * 1000 - (performance.now() - this.#started)
    if (early > 1) await sleep(early, undefined, { signal })
  }

  async #withFile<T>(entry: SourceEntry, use: (file: FileHandle) => Promise<T>): Promise<T> {
    const path = entry.file ?? ''
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
      throw unreadable(path, error)
    })
    try {
      return await use(file)
    } catch (error) {
      const { syscall } = error as NodeJS.ErrnoException
      throw syscall === 'read' ? unreadable(path, error) : error
    } finally {
      await file.close()
    }
  }

  /** The error to report: the receiver's reason if it stopped the transfer, else the local error. */
  async #reason(error: unknown, answer: () => Promise<unknown>): Promise<unknown> {
    if (this.#options.signal.aborted || error instanceof TransferError || error instanceof PeerTransferError)
      return error
    const told = await Promise.race([
      answer().then(
        () => undefined,
        (failure: unknown) => failure
      ),
      sleep(reasonMs, undefined, { ref: false })
    ])
    // Errors outside the stream, such as a stopped stdin, follow from the end of the answer.
    const isOwn = isFastnNetError(error) && !(told instanceof PeerTransferError)
    return isOwn || told === undefined ? error : told
  }

  #entry(index: number): SourceEntry {
    const entry = this.#source.entries[index]
    if (entry === undefined) throw invalidLine()
    return entry
  }
}

function longer(entry: SourceEntry): TransferError {
  return new TransferError('source', `'${entry.path}' has more bytes than its size: pipe it, and send -`)
}

function changed(entry: SourceEntry): TransferError {
  return new TransferError('source', `'${entry.path}' changed while it was sent: send it again`)
}
