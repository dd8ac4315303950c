import { Duplex, type DuplexOptions } from 'node:stream'
import { readerOf, stateOf, writerOf } from '../connection/byte-stream.js'
import { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import { failureCode } from '../stream/failure-codes.js'
import { after } from '../util/timeout.js'
import { checkOptions, checkSignal, count, invalid, type OptionNames, optional, timeLimit } from '../util/validate.js'

/** Options of {@link duplex}: the subset of Node's `DuplexOptions` that applies to a socket. */
export interface PeerDuplexOptions
  extends Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'> {
  /** With `false`, the Duplex ends its writing half when the peer has ended its own, as a TCP socket does. Default: true. */
  allowHalfOpen?: boolean | undefined
}

/**
 * Wraps a stream as a Node `Duplex`, which `http`, `tls`, `ssh2`, `pg` and others accept as a socket.
 *
 * - A stream has one Duplex: without options, a second call returns the same.
 * - Each half ends on its own (`allowHalfOpen`). `end()` calls {@link PeerStream.finish}.
 * - `destroy()` resets sending unless it was finished, and stops reading. The peer sees `errorCode` 0 without an error, 0x102 with an
 *   error, and 0x101 after an abort by `signal`.
 * - The Duplex takes over the stream: do not read or write it elsewhere.
 * - In a handler of `endpoint.listen`, the stream stays open until the Duplex closes, even after the handler returns.
 * - A pending read or write keeps the process alive, except after `unref()`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `stream` is not a `PeerStream`, an option is invalid, or options are given for a stream
 * that has a Duplex.
 *
 * @example
 * http.request({ createConnection: () => duplex(stream) })
 * server.emit('connection', duplex(stream))
 */
export function duplex(stream: PeerStream, options?: PeerDuplexOptions): PeerDuplex {
  const existing = options === undefined ? duplexes.get(stream) : undefined
  return existing ?? new PeerDuplex(stream, options)
}

const duplexes = new WeakMap<PeerStream, PeerDuplex>()

const duplexNames: OptionNames<PeerDuplexOptions> = {
  allowHalfOpen: true,
  readableHighWaterMark: true,
  writableHighWaterMark: true,
  signal: true
}

const blockSize = 64 * 1024
/** A read allocates a new block if the current one has less room than this. */
const minRoom = 16 * 1024

function checkDuplexOptions(options: PeerDuplexOptions): PeerDuplexOptions {
  const { allowHalfOpen, readableHighWaterMark, writableHighWaterMark, signal } = checkOptions(options, duplexNames)
  optional('boolean', allowHalfOpen, 'options.allowHalfOpen')
  if (readableHighWaterMark !== undefined) count(readableHighWaterMark, 'options.readableHighWaterMark')
  if (writableHighWaterMark !== undefined) count(writableHighWaterMark, 'options.writableHighWaterMark')
  checkSignal(signal)
  return options
}

/**
 * Node `Duplex` over a {@link PeerStream}. Created by {@link duplex}.
 *
 * Failures of the stream or its connection emit `'error'`, even while no call reads or writes. A reset by the peer drops unread data;
 * other failures follow it. A reset behind more than 64 KiB of unread data is noticed by a later read. Without an error listener, the
 * Duplex only closes; the process does not crash. An exception that a listener throws is an uncaught exception of the process.
 */
export class PeerDuplex extends Duplex {
  readonly #stream: PeerStream
  /** Ends the use of the stream. */
  readonly #release: () => void
  #block = Buffer.alloc(0)
  #used = 0
  #hasEof = false
  #isReading = false
  /** The peer takes no more, or the connection has ended. */
  #isLost = false
  #idleTimeout = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(stream: PeerStream, options: PeerDuplexOptions = {}) {
    if (!(stream instanceof PeerStream)) throw invalid('stream', 'a PeerStream')
    if (duplexes.has(stream)) throw hasDuplex()
    super({ ...checkDuplexOptions(options), decodeStrings: false })
    this.#stream = stream
    duplexes.set(stream, this)
    this.#release = stateOf(stream).addAdapter(isLost => this.#check(isLost))
    this.on('error', () => {})
    readerOf(stream).readAheadWhenIdle()
  }

  /** ID52 of the peer, in place of a socket's address. */
  get remoteAddress(): string {
    return this.#stream.remoteId52
  }

  /**
   * Emits `'timeout'` after `ms` milliseconds without traffic; 0 disables it, and removes `onTimeout`. Closes nothing. The timer does not
   * keep the process alive. From 2^31 ms (24 days) on, there is no timer.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  setTimeout(ms: number, onTimeout?: () => void): this {
    const limit = timeLimit(ms, 'ms')
    if (onTimeout !== undefined && typeof onTimeout !== 'function') throw invalid('onTimeout', 'a function')
    // As a socket does: node:http takes its listener back so.
    if (onTimeout !== undefined) limit === 0 ? this.off('timeout', onTimeout) : this.once('timeout', onTimeout)
    clearTimeout(this.#idleTimer)
    this.#idleTimeout = ms
    this.#idleTimer = limit > 0 ? after(limit, () => this.emit('timeout'))?.unref() : undefined
    return this
  }

  /** Idle timeout set by {@link setTimeout}, in milliseconds. Default: 0, none. */
  get timeout(): number {
    return this.#idleTimeout
  }

  /** Only emits `'connect'`, for libraries that connect their socket themselves, such as pg. The stream is connected. */
  connect(): this {
    queueMicrotask(() => this.emit('connect'))
    return this
  }

  /** No-op: QUIC does not delay small writes. */
  setNoDelay(): this {
    return this
  }

  /** No-op: the endpoint keeps its connections alive. */
  setKeepAlive(): this {
    return this
  }

  /** Lets pending reads and writes keep the process alive. This is the default. */
  ref(): this {
    this.#stream.ref()
    return this
  }

  /** Stops current and later reads and writes from keeping the process alive. */
  unref(): this {
    this.#stream.unref()
    return this
  }

  /** @internal */
  override _read(): void {
    this.#isReading = true
    if (this.#block.length - this.#used < minRoom) {
      this.#block = Buffer.allocUnsafeSlow(blockSize)
      this.#used = 0
    }
    const received = this.#stream.read({ into: this.#block.subarray(this.#used) })
    callBack(
      received,
      count => this.#push(count),
      error => this.destroy(error)
    )
  }

  #push(count: number | null): void {
    this.#isReading = false
    this.#restartIdleTimer()
    if (count === null) {
      this.#hasEof = true
      this.once('end', () => this.#check(this.#isLost))
      this.push(null)
      return
    }
    const start = this.#used
    this.#used += count
    try {
      this.push(this.#block.subarray(start, this.#used))
    } catch (exception) {
      // Of a listener.
      throwUncaught(exception)
      // Node.js reads no more after an exception, but a socket receives on.
      this.read(0)
    }
  }

  /** @internal */
  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#restartIdleTimer()
    const bytes = typeof chunk === 'string' && !isUtf8(encoding) ? Buffer.from(chunk, encoding) : chunk
    callBack(this.#stream.write(bytes), () => done(), done)
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    callBack(this.#stream.finish(), () => done(), done)
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idleTimer)
    const code = this.#codeOf(error)
    writerOf(this.#stream).reset(code)
    readerOf(this.#stream).stop(code, `a Duplex reads this stream, and was destroyed: code ${code} ended reading`)
    queueMicrotask(() => {
      done(error)
      this.#release()
    })
  }

  /** Closes after a failure of the stream that no read or write would notice. Bytes that arrived before stay readable. */
  #check(isLost: boolean): void {
    this.#isLost ||= isLost
    const reader = readerOf(this.#stream)
    if (this.destroyed || this.#isReading) return
    // Buffered data comes first, except after a reset: see `_read`.
    if (this.readableLength > 0 && !reader.isReset) return
    try {
      if (!this.#hasEof) reader.checkEnd(isLost)
      // A failed sending half does not end the Duplex while data is left to read.
      if (this.#hasEof || (isLost && reader.atEnd)) writerOf(this.#stream).checkEnd(isLost)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  /** The code for the peer. 0 if the stream itself has failed: the peer then knows why, or has left. */
  #codeOf(error: Error | null): number {
    const state = stateOf(this.#stream)
    const hasFailed = state.readError !== null || state.writeError !== null
    return error === null || hasFailed ? 0 : failureCode(state, error)
  }

  #restartIdleTimer(): void {
    this.#idleTimer?.refresh()
  }
}

/** Calls back with the outcome of `work`. Listeners run in the callbacks: see {@link throwUncaught}. */
function callBack<Value>(work: Promise<Value>, done: (value: Value) => void, failed: (error: Error) => void): void {
  work.then(done, failed).catch(throwUncaught)
}

/** Makes an exception of a listener an uncaught one, as with a socket: it is neither a rejection nor an error of the stream. */
function throwUncaught(exception: unknown): void {
  queueMicrotask(() => {
    throw exception
  })
}

function hasDuplex(): FastnNetError {
  const message = 'the stream already has a Duplex: give options to the first call of duplex, and none to others'
  return new FastnNetError('ERR_INVALID_ARGUMENT', message)
}

function isUtf8(encoding: BufferEncoding): boolean {
  return encoding === 'utf8' || encoding === 'utf-8'
}
