import { setKeepsAlive } from '../native/wakeups.js'
import { streams } from '../stream/loaded.js'
import type { ReadHalf } from '../stream/reader.js'
import type { StreamState } from '../stream/stream-state.js'
import type { WriteHalf } from '../stream/writer.js'
import { type CancelOptions, type ReadIntoOptions, readNames } from '../types.js'
import { checkConstructor, type internal } from '../util/illegal-constructor.js'
import { checkOptions } from '../util/validate.js'

// Higher layers reach the private fields through these functions: a property of the class would expose them to JavaScript.

/** @internal */
export let stateOf: (stream: ByteStream) => StreamState
/** @internal */
export let readerOf: (stream: ByteStream) => ReadHalf
/** @internal */
export let writerOf: (stream: ByteStream) => WriteHalf

/**
 * Bidirectional byte stream. Each half ends on its own.
 *
 * All calls that read, iteration and `readable` share one reader, and one continues where another stopped.
 * While one of them is pending, another call rejects with `ERR_READ_PENDING`.
 *
 * A pending call keeps the process alive. Every call can also reject with the error that ended the whole stream:
 * `ERR_CONNECTION_LOST`, `ERR_CLOSED`, and with `ack: 'later'` the peer's refusal or `ERR_ACK_TIMEOUT`.
 */
export abstract class ByteStream implements AsyncIterable<Uint8Array<ArrayBuffer>>, AsyncDisposable {
  readonly #state: StreamState
  readonly #reader: ReadHalf
  readonly #writer: WriteHalf
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #writable: WritableStream<Uint8Array | string> | undefined
  #signal: AbortSignal | undefined

  /** @internal */
  protected constructor(key: typeof internal, state: StreamState) {
    checkConstructor(key, 'endpoint.getStream() or listen()')
    this.#state = state
    const { ReadHalf, WriteHalf } = streams()
    this.#reader = new ReadHalf(state)
    this.#writer = new WriteHalf(state)
  }

  /**
   * Reads the available bytes, and waits if there are none. Resolves with `null` at EOF.
   *
   * A chunk above 4 KiB has a buffer of its own. Smaller chunks may share a buffer of 16 KiB, which stays in memory while one of them
   * does. Copy a small chunk to keep it for long, or to transfer its buffer.
   *
   * Cancel-safe: an aborted read loses no bytes.
   *
   * @throws {FastnNetError} `ERR_STREAM_RESET` with `errorCode` if the peer reset the stream. `ERR_STREAM_STOPPED` after {@link stop}.
   * `ERR_READ_PENDING`.
   *
   * @example
   * for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) console.log(chunk.length)
   */
  read(options?: CancelOptions & { into?: undefined }): Promise<Uint8Array<ArrayBuffer> | null>
  /**
   * Reads into `into` and resolves with the number of bytes; `null` at EOF. The fastest way to read bulk data. Cancel-safe.
   *
   * @throws {FastnNetError} The errors of a read without `into`. `ERR_INVALID_ARGUMENT` if `into` is empty, shared or detached.
   */
  read(options: ReadIntoOptions): Promise<number | null>
  /** Reads with an optional `into`: resolves with a count if it is set, else with bytes; `null` at EOF. Cancel-safe. */
  read(options: CancelOptions & { into?: Uint8Array | undefined }): Promise<Uint8Array<ArrayBuffer> | number | null>
  read(options?: CancelOptions & { into?: Uint8Array | undefined }): Promise<Uint8Array<ArrayBuffer> | number | null> {
    if (options === undefined) return this.#reader.read()
    try {
      const { into, signal } = checkOptions(options, readNames)
      return into === undefined ? this.#reader.read(signal) : this.#reader.readInto(into, signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Writes bytes, or a string as UTF-8. Resolves once flow control has accepted the whole chunk; the chunk may then be reused, but
   * may not have arrived yet.
   *
   * Writes are sent in call order and never interleave. Do not transfer or resize the chunk's buffer while the write is pending: the
   * write then fails like an aborted one.
   *
   * Aborting a write before any of its bytes are accepted leaves the stream unchanged. Aborting a partly accepted write resets the
   * stream with code 0x101.
   *
   * @throws {FastnNetError} `ERR_STREAM_STOPPED` with `errorCode` if the peer stopped reading. `ERR_STREAM_FINISHED` after
   * {@link finish}. `ERR_STREAM_RESET` after {@link reset}. `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * for await (const chunk of createReadStream(path)) await stream.write(chunk)
   */
  write(chunk: Uint8Array | string, options?: CancelOptions): Promise<void> {
    return this.#writer.write(chunk, options)
  }

  /**
   * Sends an optional last chunk and FIN. Resolves once flow control has accepted both; {@link closed} resolves once they have
   * arrived. The receiving half stays open.
   *
   * {@link Endpoint.close} waits for a pending call, within its timeout; then the call rejects with `ERR_CLOSED`.
   *
   * A second call without a chunk waits for the first. Its signal only ends its own wait. Aborting works as for {@link write}: if
   * nothing was accepted, the stream stays open.
   *
   * @throws {FastnNetError} The errors of {@link write}, also without a chunk: once the connection has ended, earlier data may not have
   * arrived.
   *
   * @example
   * await stream.finish('the last bytes')
   * await stream.closed // they have arrived
   */
  finish(chunk?: Uint8Array | string, options?: CancelOptions): Promise<void> {
    return this.#writer.finish(chunk, options)
  }

  /**
   * Aborts sending. Undelivered data is dropped, and pending writes reject. The peer sees `ERR_STREAM_RESET` with this code instead of
   * EOF. No-op once sending has ended.
   *
   * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * stream.reset(42) // the peer's read fails with ERR_STREAM_RESET and errorCode 42
   */
  reset(code: number | bigint = 0): void {
    this.#writer.reset(streams().applicationCode(code, 'code'))
  }

  /**
   * Stops reading. A pending read rejects, and the peer's writes fail with `ERR_STREAM_STOPPED` and this code. No-op after EOF.
   *
   * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * stream.stop() // the peer's write fails with ERR_STREAM_STOPPED
   */
  stop(code: number | bigint = 0): void {
    this.#reader.stop(streams().applicationCode(code, 'code'))
  }

  /**
   * Iterates over chunks until EOF. Leaving the loop early, with `break`, `return` or an error, calls {@link stop}. To go on after a
   * part of the bytes, call {@link read}.
   *
   * Await each `next()` before the next one: a second one fails with `ERR_READ_PENDING` while the first waits. `return()` ends a `next()`
   * that waits, with `done`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    const { ReadIterator } = streams()
    return new ReadIterator(
      owner => this.#reader.read(undefined, owner),
      () => this.#reader.stop(0)
    )
  }

  /**
   * Receiving half as a web byte stream; supports BYOB readers. Canceling it calls {@link stop}, with the reason as the code if that is
   * a number. Waits for a pending read of another kind.
   *
   * Fails with the stream or its connection, even while no call reads. A reset by the peer fails it at once; any other failure follows
   * the bytes that arrived before. Only reading shows a reset, so up to 64 KiB are read ahead. A reset behind more unread bytes fails
   * a later read.
   *
   * @example
   * await stream.readable.pipeThrough(new DecompressionStream('gzip')).pipeTo(destination)
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#readable ??= streams().readableOf(this.#reader, check => this.#state.addAdapter(check))
    return this.#readable
  }

  /**
   * Sending half as a web stream of bytes or strings. Closing it calls {@link finish}. Aborting it calls {@link reset}, with the reason
   * as the code if that is a number. Fails with the stream or its connection, even while no call writes.
   *
   * @example
   * await new Blob(['hello']).stream().pipeTo(stream.writable)
   */
  get writable(): WritableStream<Uint8Array | string> {
    this.#writable ??= streams().writableOf(this.#writer, check => this.#state.addAdapter(check))
    return this.#writable
  }

  /**
   * Completion of sending.
   *
   * - Resolves once the peer has acknowledged everything up to FIN, or needs no more of it.
   * - Rejects if sending was reset, stopped, refused or lost before that. It rejects as soon as the peer stops reading or the
   *   connection ends, even while no call is pending: so a handler notices that its caller has left.
   * - Does not depend on the receiving half, which the peer may reset or keep open.
   *
   * Never causes an unhandled rejection. Reading this property costs about as much as a small write and keeps the stream in memory
   * until it settles. After {@link finish}, it also keeps the process alive until then.
   */
  get closed(): Promise<void> {
    return this.#writer.delivered
  }

  /**
   * Aborts when the stream fails, so that a handler can stop working for a caller that has left. `signal.reason` says why:
   *
   * | reason | when |
   * |---|---|
   * | `ERR_STREAM_RESET` | the peer or this side reset the stream, or its handler failed |
   * | `ERR_STREAM_STOPPED` | the peer reads no more: it has left or is no longer interested |
   * | `ERR_CONNECTION_LOST` | the connection ended |
   * | `ERR_CLOSED` | this endpoint closed |
   * | the refusal, or `ERR_ACK_TIMEOUT` | the peer did not accept a stream with `ack: 'later'` |
   *
   * Does not abort when the stream ends well, and not when the peer only finishes its half. A peer that has read everything and disposes
   * the stream has not failed it either.
   *
   * From its first use on, up to 64 KiB are read ahead, because only reading shows a reset; a reset behind more than that aborts once
   * they are read. Keeps the stream in memory until it ends, but not the process alive.
   *
   * @example
   * const answer = await fetch(url, { signal: stream.signal })
   */
  get signal(): AbortSignal {
    this.#signal ??= streams().signalOfStream(this.#state, this.#reader, this.#writer)
    return this.#signal
  }

  /** Lets pending and later calls keep the process alive. This is the default. */
  ref(): this {
    setKeepsAlive(this.#state, true)
    return this
  }

  /** Stops pending and later calls from keeping the process alive, including {@link closed} after a later {@link finish}. */
  unref(): this {
    setKeepsAlive(this.#state, false)
    return this
  }

  /**
   * Resets the sending half unless it was finished, and stops reading; both with code 0. A pending `finish` rejects with
   * `ERR_STREAM_RESET`; data of a resolved `finish` is still delivered. Idempotent. To end well, call {@link finish} before.
   */
  async close(): Promise<void> {
    this.#writer.reset(0)
    this.#reader.stop(0)
  }

  /** Like {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    stateOf = stream => stream.#state
    readerOf = stream => stream.#reader
    writerOf = stream => stream.#writer
  }
}
