import { open } from 'node:fs/promises'
import { stateOf, writerOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { failureCode } from '../stream/failure-codes.js'
import { isBytes } from '../util/bytes.js'
import { abortable } from '../util/timeout.js'
import { invalid, kindOf } from '../util/validate.js'
import {
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

/** Source of {@link sendFrom}: the path of a file, or chunks from a Node or web stream, a generator or a list. */
export type SendSource = string | URL | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** Most bytes that are read from a file at once. */
const chunkSize = 256 * 1024

/**
 * Sends a file, or what a stream gives, and finishes the sending half. Resolves once the peer has acknowledged all of it. The receiving
 * half stays open, for an answer.
 *
 * Reads no faster than the peer takes the bytes. Strings are sent as UTF-8. A source that is not read to its end is destroyed.
 *
 * After any failure or abort the sending half is reset, so that the peer never takes a part for the whole: it sees
 * `ERR_STREAM_RESET`, with `errorCode` 0x102 after a failure and 0x101 after an abort by `signal`. Only `ERR_INVALID_ARGUMENT` of an
 * argument leaves the stream unchanged. In a handler of `endpoint.listen`, await the call: if the handler returns before, reading ends as
 * soon as the call is done. Keeps the process alive.
 *
 * @throws {FastnNetError} `ERR_FILE` if the file cannot be read; `cause` is the error of the system. The errors of `stream.write` and
 * `stream.closed`, such as `ERR_STREAM_STOPPED` if the peer takes no more. `ERR_INVALID_ARGUMENT`. What the source or `onProgress` throws.
 *
 * @example
 * const { bytes, sha256 } = await sendFrom(stream, 'film.mp4', {
 *   onProgress: ({ bytes, total = 0 }) => console.log(`${Math.floor((bytes / total) * 100)} %`)
 * })
 */
export async function sendFrom(
  stream: PeerStream,
  source: SendSource,
  options: TransferOptions = {}
): Promise<TransferResult> {
  checkStream(stream)
  checkTransfer(options, transferNames)
  const path = pathOf(source, 'source')
  if (path === undefined) checkChunks(source)
  return await keepingOpen(stream, async () => {
    try {
      options.signal?.throwIfAborted()
      const opened = path === undefined ? opening(source as Chunks, options.total) : await openFile(path, options.total)
      return await send(stream, opened, options)
    } catch (error) {
      writerOf(stream).reset(failureCode(stateOf(stream), error, options.signal))
      throw error
    }
  })
}

type Chunks = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>
type Next = IteratorResult<Uint8Array | string>

/** A source that is being read. */
interface Opened {
  readonly total: number | undefined
  next(): Next | Promise<Next>
  /** Ends a source that is not at its end. */
  leave(): void
}

async function send(stream: PeerStream, source: Opened, options: TransferOptions): Promise<TransferResult> {
  const { onProgress } = options
  const signal = sendingSignal(stream, options.signal)
  const progress = new TransferCounter(onProgress, source.total)
  try {
    for (;;) {
      const { done, value } = await abortable(Promise.resolve(source.next()), signal)
      if (done === true) break
      const bytes = bytesOf(value)
      await abortable(stream.write(bytes), signal)
      progress.add(bytes)
    }
    progress.report()
  } catch (error) {
    source.leave()
    throw error
  }
  await abortable(stream.finish(), signal)
  await abortable(stream.closed, signal)
  return progress.result()
}

/** Also aborts when the peer stops or leaves, so that a source that waits does not hide that. */
function sendingSignal(stream: PeerStream, signal: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController()
  stream.closed.catch(error => controller.abort(error))
  return signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal])
}

async function openFile(path: string, total: number | undefined): Promise<Opened> {
  const what = 'read the file'
  const handle = await onDisk(what, open(path))
  const file = handle.createReadStream({ highWaterMark: chunkSize })
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
  const leave = () => void file.destroy()
  try {
    const info = await onDisk(what, handle.stat())
    const size = info.isFile() ? info.size : undefined
    return { total: total ?? size, next: () => onDisk(what, chunks.next()), leave }
  } catch (error) {
    leave()
    throw error
  }
}

function opening(source: Chunks, total: number | undefined): Opened {
  const chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  const leave = () => {
    // While a step waits, an iterator of a Node stream does not hear of its end.
    if ('destroy' in source && typeof source.destroy === 'function') source.destroy()
    else void Promise.resolve(chunks.return?.()).catch(() => {})
  }
  return { total, next: () => chunks.next(), leave }
}

function bytesOf(chunk: Uint8Array | string): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (isBytes(chunk)) return chunk
  throw invalid('each chunk of source', `a Uint8Array or a string, not ${kindOf(chunk)}`)
}

function checkChunks(source: unknown): void {
  const isIterable =
    typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source)
  if (isBytes(source)) throw invalid('source', 'a path or a stream: pass bytes to stream.finish')
  if (!isIterable) throw invalid('source', `a path or a stream, not ${kindOf(source)}`)
}
