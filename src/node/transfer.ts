import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { stateOf } from '../connection/byte-stream.js'
import { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import type { CancelOptions } from '../types.js'
import { checkOptions, checkSignal, count, invalid, type OptionNames } from '../util/validate.js'

/** How far a {@link sendFrom} or {@link receiveTo} is. */
export interface TransferProgress {
  /** Bytes so far. */
  readonly bytes: number
  /** Bytes in all, if known. */
  readonly total?: number
}

/** Result of {@link sendFrom} and {@link receiveTo}. */
export interface TransferResult {
  /** Number of bytes. */
  readonly bytes: number
  /** SHA-256 of the bytes: 64 hex digits. */
  readonly sha256: string
}

/** Options of {@link sendFrom}. */
export interface TransferOptions extends CancelOptions {
  /** Called every 100 ms while bytes move, and at the end. If it throws, the call fails. */
  onProgress?: ((progress: TransferProgress) => void) | undefined
  /** Expected number of bytes, for `onProgress`. Default: for {@link sendFrom} of a file its size, else unknown. */
  total?: number | undefined
}

/** Names of {@link TransferOptions}. */
export const transferNames: OptionNames<TransferOptions> = { signal: true, onProgress: true, total: true }

/** Checks options that extend {@link TransferOptions}. */
export function checkTransfer<Options extends TransferOptions>(options: Options, names: OptionNames<Options>): Options {
  const { onProgress, total, signal } = checkOptions(options, names)
  if (onProgress !== undefined && typeof onProgress !== 'function') throw invalid('options.onProgress', 'a function')
  if (total !== undefined) byteCount(total, 'options.total')
  checkSignal(signal)
  return options
}

/** Checks a number of bytes, which may be more than an integer of 32 bits. */
export function byteCount(value: unknown, path: string): number {
  return typeof value === 'number' && value > 0 && Number.isSafeInteger(value) ? value : count(value, path)
}

/** Keeps the stream open while `work` runs, even if its handler returns. */
export async function keepingOpen<T>(stream: PeerStream, work: () => Promise<T>): Promise<T> {
  const removeAdapter = stateOf(stream).addAdapter(() => {})
  try {
    return await work()
  } finally {
    removeAdapter()
  }
}

export function checkStream(stream: PeerStream): void {
  if (!(stream instanceof PeerStream)) throw invalid('stream', 'a PeerStream')
}

/** The path in a string or a `file:` URL; `undefined` for anything else. */
export function pathOf(value: unknown, name: string): string | undefined {
  if (typeof value === 'string' && value !== '') return value
  if (!(value instanceof URL)) return undefined
  if (value.protocol === 'file:') return fileURLToPath(value)
  throw invalid(name, 'a file: URL')
}

/**
 * Waits for work on a file. Its failure becomes `ERR_FILE`. `what`: what was to be done. `reasonOf`: words for the error, in place of its
 * message.
 */
export async function onDisk<T>(
  what: string,
  work: Promise<T>,
  reasonOf: (cause: NodeJS.ErrnoException) => string = cause => cause.message
): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const reason = cause instanceof Error ? reasonOf(cause) : String(cause)
    throw new FastnNetError('ERR_FILE', `cannot ${what}: ${reason}`, { phase: 'file', cause })
  }
}

const intervalMs = 100

/** Counts and hashes bytes, and reports how many there are. */
export class TransferCounter {
  readonly #hash = createHash('sha256')
  readonly #onProgress: ((progress: TransferProgress) => void) | undefined
  readonly #total: number | undefined
  #reportedAt = performance.now()
  bytes = 0

  constructor(onProgress: ((progress: TransferProgress) => void) | undefined, total: number | undefined) {
    this.#onProgress = onProgress
    this.#total = total
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.bytes += chunk.length
    if (this.#onProgress === undefined) return
    const now = performance.now()
    if (now - this.#reportedAt < intervalMs) return
    this.#reportedAt = now
    this.report()
  }

  result(): TransferResult {
    return { bytes: this.bytes, sha256: this.#hash.digest('hex') }
  }

  /** Call once more at the end, before it is final: the function may throw. */
  report(): void {
    const { bytes } = this
    this.#onProgress?.(this.#total === undefined ? { bytes } : { bytes, total: this.#total })
  }
}
