import { randomUUID } from 'node:crypto'
import { type FileHandle, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readerOf, stateOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { failureCode } from '../stream/failure-codes.js'
import { tooLarge } from '../stream/line-text.js'
import { invalid, kindOf, type OptionNames } from '../util/validate.js'
import {
  byteCount,
  checkStream,
  checkTransfer,
  keepingOpen,
  onDisk,
  pathOf,
  TransferCounter,
  type TransferOptions,
  type TransferResult,
  transferNames
} from './transfer.js'

/**
 * Options of {@link receiveTo}.
 *
 * - **File:** the bytes go to a hidden file in the same folder, named `.*.part`. Once all have arrived and are on disk, it is renamed, and
 *   replaces a file of that name, with its mode. After a failure it is removed; only a killed process leaves it behind. Symbolic links
 *   are followed; a link to nothing is `ERR_FILE`.
 * - **Writable:** read no faster than it takes the bytes.
 *
 * After any failure or abort the receiving half is stopped, even if the caller catches the error: the peer sees `ERR_STREAM_STOPPED`,
 * with `errorCode` 0x102 after a failure and 0x101 after an abort by `signal`. Only `ERR_READ_PENDING` and `ERR_INVALID_ARGUMENT`
 * leave the stream unchanged. The sending half stays open, for an answer. In a handler of `endpoint.listen`, await the call: if the handler
 * returns before, the stream is finished as soon as the call is done, and an answer after it is `ERR_STREAM_FINISHED`.
 */
export interface ReceiveToOptions extends TransferOptions {
  /** Expected number of bytes, if known: another number is an error. Also reported to `onProgress`. Default: unknown. */
  total?: number | undefined
  /** Most bytes to receive. Default: unlimited. Set it if the peer may fill the disk otherwise. */
  maxBytes?: number | undefined
}

const receiveNames: OptionNames<ReceiveToOptions> = { ...transferNames, maxBytes: true }

/** Target of {@link receiveTo}: the path of a file, or a Node `Writable`. */
export type ReceiveTarget = string | URL | Writable

/**
 * Receives everything that the peer sends into a file or a Node `Writable`, and returns its size and SHA-256.
 *
 * A file gets its name once all bytes are on disk: see {@link ReceiveToOptions}. A `Writable` is ended after the last byte, and destroyed
 * after a failure. A failure also stops the peer. Keeps the process alive.
 *
 * @throws {FastnNetError} `ERR_FILE`, with the error of the system as `cause`. `ERR_TOO_LARGE` beyond `maxBytes` or `total`.
 * `ERR_UNEXPECTED_END` below `total`. `ERR_INVALID_ARGUMENT`. The errors of `stream.read`. What the `Writable` or `onProgress` throws.
 *
 * @example
 * const { bytes, sha256 } = await receiveTo(stream, 'film.mp4', { maxBytes: 10_000_000_000 })
 */
export async function receiveTo(
  stream: PeerStream,
  target: ReceiveTarget,
  options: ReceiveToOptions = {}
): Promise<TransferResult> {
  checkStream(stream)
  const { onProgress, total, maxBytes } = checkTransfer(options, receiveNames)
  if (maxBytes !== undefined) byteCount(maxBytes, 'options.maxBytes')
  const path = pathOf(target, 'target')
  if (path === undefined && !isWritable(target)) throw invalid('target', `a path or a Writable, not ${kindOf(target)}`)
  const progress = new TransferCounter(onProgress, total)
  return await keepingOpen(stream, async () => {
    try {
      const arriving = new Arriving(stream, progress, options)
      if (path === undefined) await toWritable(target as Writable, arriving, options.signal)
      else await toFile(path, arriving)
      return progress.result()
    } catch (error) {
      if (!isFastnNetError(error, 'ERR_READ_PENDING'))
        readerOf(stream).stop(failureCode(stateOf(stream), error, options.signal))
      throw error
    }
  })
}

/** The bytes of a stream up to EOF, counted and checked. */
class Arriving implements AsyncIterable<Uint8Array> {
  readonly #stream: PeerStream
  readonly #progress: TransferCounter
  readonly #options: ReceiveToOptions
  /** Why there are no more. */
  failure: { readonly error: unknown } | undefined

  constructor(stream: PeerStream, progress: TransferCounter, options: ReceiveToOptions) {
    this.#stream = stream
    this.#progress = progress
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = this.#options
    try {
      for (
        let chunk = await this.#stream.read({ signal });
        chunk !== null;
        chunk = await this.#stream.read({ signal })
      ) {
        this.#checkMost(chunk)
        this.#progress.add(chunk)
        yield chunk
      }
      this.#checkTotal()
      this.#progress.report()
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }

  #checkMost(chunk: Uint8Array): void {
    const { maxBytes = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY } = this.#options
    const bytes = this.#progress.bytes + chunk.length
    if (bytes > maxBytes) throw tooLarge(stateOf(this.#stream), maxBytes)
    if (bytes <= total) return
    const message = `the peer sends more than ${total} bytes, which the option total says`
    throw new FastnNetError('ERR_TOO_LARGE', message, stateOf(this.#stream).context('read'))
  }

  #checkTotal(): void {
    const { total } = this.#options
    const { bytes } = this.#progress
    if (total === undefined || bytes === total) return
    const message = `the peer finished after ${bytes} of ${total} bytes`
    throw new FastnNetError('ERR_UNEXPECTED_END', message, stateOf(this.#stream).context('read'))
  }
}

async function toWritable(target: Writable, arriving: Arriving, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pipeline(arriving, target, { signal })
  } catch (error) {
    if (arriving.failure !== undefined) throw arriving.failure.error
    // The pipeline rejects with its own AbortError.
    signal?.throwIfAborted()
    throw error
  }
}

async function toFile(target: string, arriving: Arriving): Promise<void> {
  const { path, mode } = await placeOf(target)
  const temporary = join(dirname(path), `.${randomUUID()}.part`)
  const file = await onDisk(writing, open(temporary, 'wx', mode), inFolder(dirname(path)))
  try {
    await fill(file, mode, arriving)
    await onDisk(writing, rename(temporary, path), inFolder(dirname(path)))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

const writing = 'write the file'

/** Words for an error of the system that would name the hidden file. */
function inFolder(folder: string): (cause: NodeJS.ErrnoException) => string {
  return ({ code, message }) => {
    if (code === 'ENOENT') return `ENOENT: the folder '${folder}' does not exist`
    return `${message.replace(/, (?:open|rename) .*/, '')}, in the folder '${folder}'`
  }
}

/** Writes all bytes to disk, and closes the file. */
async function fill(file: FileHandle, mode: number | undefined, arriving: Arriving): Promise<void> {
  try {
    // The umask does not apply to the mode of the file that is replaced.
    if (mode !== undefined) await onDisk(writing, file.chmod(mode))
    for await (const chunk of arriving) await onDisk(writing, file.writeFile(chunk))
    await onDisk(writing, file.sync())
  } finally {
    await onDisk(writing, file.close())
  }
}

/** The path to rename to, and the mode of the file there. A device, a folder or a link to nothing must not be replaced. */
async function placeOf(target: string): Promise<{ path: string; mode?: number }> {
  const found = await stat(target).catch(() => undefined)
  if (found === undefined) {
    if ((await lstat(target).catch(() => undefined)) !== undefined) throw notAFile(target, 'a link to nothing')
    return { path: target }
  }
  if (!found.isFile()) throw notAFile(target, found.isDirectory() ? 'a folder' : 'no regular file: pass a Writable')
  return { path: await onDisk(writing, realpath(target)), mode: found.mode & 0o7777 }
}

function notAFile(target: string, what: string): FastnNetError {
  return new FastnNetError('ERR_FILE', `cannot ${writing}: '${target}' is ${what}`, { phase: 'file' })
}

function isWritable(target: unknown): target is Writable {
  if (typeof target !== 'object' || target === null) return false
  return 'write' in target && typeof target.write === 'function' && 'on' in target && typeof target.on === 'function'
}
