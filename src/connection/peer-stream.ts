import { FastnNetError } from '../errors.js'
import type { StreamCore } from '../stream/core.js'
import { Pull } from '../stream/iterator.js'
import type { Json, Protocol } from '../stream/protocol.js'
import { ReadHalf } from '../stream/reader.js'
import { readableOf, writableOf } from '../stream/web-streams.js'
import { WriteHalf } from '../stream/writer.js'
import { type CancelOptions, type LineOptions, lineNames, type ReadIntoOptions, readNames, signalOf } from '../types.js'
import { userCode } from '../util/application-code.js'
import { showAs } from '../util/inspect.js'
import { checkOptions } from '../util/option-names.js'
import { positive } from '../util/validate.js'
import { Connection } from './connection.js'

/**
 * A stream of bytes to and from one peer: two halves that end apart from each other.
 *
 * `read`, iteration, `lines`, `nextString`, `nextJson` and `readable` are one reader: while one waits, another call rejects with
 * `ERR_READ_PENDING`. What one of them leaves, the next gets.
 *
 * A waiting call keeps the process alive. Any call can also reject with what ended the whole stream: `ERR_CONNECTION_LOST`,
 * `ERR_CLOSED`, and with `ack: 'later'` whatever the peer refused it for, or `ERR_ACK_TIMEOUT`.
 */
export class PeerStream implements AsyncIterable<Uint8Array<ArrayBuffer>>, AsyncDisposable {
  readonly #core: StreamCore
  readonly #reader: ReadHalf
  readonly #writer: WriteHalf
  #connection: Connection | undefined
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #writable: WritableStream<Uint8Array | string> | undefined
  #lent = 0
  #returned: (() => void) | undefined

  private constructor(core: StreamCore) {
    this.#core = core
    this.#reader = new ReadHalf(core)
    this.#writer = new WriteHalf(core)
  }

  /** @internal */
  static of(core: StreamCore): PeerStream {
    return new PeerStream(core)
  }

  /** @internal Lends the stream to a web or Node stream: what this gives is to be called when that has ended. */
  static lend(stream: PeerStream): () => void {
    stream.#lent++
    let over = false
    return () => {
      if (over) return
      over = true
      if (--stream.#lent === 0) stream.#returned?.()
    }
  }

  /** @internal Whether waiting calls, now and later, keep the process alive. */
  static setHolds(stream: PeerStream, holds: boolean): void {
    stream.#core.setHolds(holds)
  }

  /** @internal What follows a handler that returned: a clean end, once what it lent the stream to has ended. */
  static async end(stream: PeerStream): Promise<void> {
    if (stream.#lent > 0) {
      await new Promise<void>(resolve => {
        stream.#returned = resolve
      })
    }
    stream.#reader.stop(0)
    if (stream.#writer.isOpen) await stream.#writer.finish()
  }

  /** @internal What follows a handler that threw. */
  static fail(stream: PeerStream, code: number, message: string): void {
    stream.#core.letGo(code, message)
  }

  /** What the stream is for, as its opener said. */
  get protocol(): Protocol {
    return this.#core.protocol
  }

  /** ID52 of the peer, proved by the connection's handshake. */
  get remoteId52(): string {
    return this.#core.link.id52
  }

  /** QUIC's number of the stream, unique on its connection. */
  get id(): number {
    return this.#core.id
  }

  /**
   * The connection that it runs on, as a view that lives as long as this stream object.
   *
   * @throws {FastnNetError} `ERR_CLOSED` when the connection has ended.
   */
  get connection(): Connection {
    this.#connection ??= Connection.at(this.#core.link)
    return this.#connection
  }

  /**
   * The next bytes, as many as are there; `null` at the end. Above 4 KiB they have a buffer of their own. Smaller pieces may share one
   * of 16 KiB with others, which lives as long as one of them: copy what is kept for long, and before transferring `chunk.buffer`.
   *
   * An aborted read loses nothing: the bytes are there for the next one.
   *
   * @throws {FastnNetError} `ERR_STREAM_RESET` when the peer reset it, with `errorCode`; `ERR_STREAM_STOPPED` after {@link stop};
   * `ERR_READ_PENDING`.
   */
  read(options?: CancelOptions & { into?: undefined }): Promise<Uint8Array<ArrayBuffer> | null>
  /**
   * Puts the next bytes into `into` and resolves with their count, `null` at the end. The fastest way for bulk.
   *
   * @throws {FastnNetError} as without `into`; `ERR_INVALID_ARGUMENT` when `into` is empty, shared or detached.
   */
  read(options: ReadIntoOptions): Promise<number | null>
  /** For an `into` that may be absent: the bytes where it is, else their count; `null` at the end. */
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
   * Sends bytes, or a string as UTF-8. Resolves when flow control has accepted all of them: the chunk may be used again then,
   * but may not have arrived. One whose buffer is transferred or resized before that fails, as an aborted one does.
   *
   * Writes are sent in the order of the calls and never interleave. Aborting a write that still waits for its turn, or of
   * which nothing was accepted, leaves the stream as it was; one that was accepted in part resets the stream (0x101).
   *
   * @throws {FastnNetError} `ERR_STREAM_STOPPED` when the peer takes no more, with `errorCode`; `ERR_STREAM_FINISHED` after
   * {@link finish}; `ERR_STREAM_RESET` after {@link reset}; `ERR_INVALID_ARGUMENT`.
   */
  write(chunk: Uint8Array | string, options?: CancelOptions): Promise<void> {
    try {
      return this.#writer.write(chunk, options === undefined ? undefined : signalOf(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sends a last chunk, if one is given, and the end. Resolves when both are accepted by flow control; {@link closed} says
   * when they have arrived. Reading goes on. A second call without a chunk waits for the first, and its signal ends that wait only.
   *
   * Cancelling is as with {@link write}: what was not begun leaves the stream open.
   *
   * @throws {FastnNetError} as {@link write}.
   */
  finish(chunk?: Uint8Array | string, options?: CancelOptions): Promise<void> {
    try {
      return this.#writer.finish(chunk, options === undefined ? undefined : signalOf(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Ends sending at once: what has not arrived is thrown away, and the peer sees `ERR_STREAM_RESET` with this code, not an end.
   * Waiting writes reject. Does nothing once sending has ended.
   *
   * @param code 0 (the default) or a code of the application's own, below 2^62, a bigint from 2^53 on; 0x100 to 0x1ff are reserved.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  reset(code: number | bigint = 0): void {
    this.#writer.reset(userCode(code, 'code'))
  }

  /**
   * Takes no further byte: the peer's writes fail with `ERR_STREAM_STOPPED` and this code. A waiting read rejects.
   * Does nothing once the end was reached.
   *
   * @param code 0 (the default) or a code of the application's own, below 2^62, a bigint from 2^53 on; 0x100 to 0x1ff are reserved.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  stop(code: number | bigint = 0): void {
    this.#reader.stop(userCode(code, 'code'))
  }

  /**
   * The next line, without its `\n`. What comes behind it stays for the next call, of whatever kind.
   *
   * @throws {FastnNetError} as {@link read}. `ERR_UNEXPECTED_END` when the stream ends before the line does, with its text in
   * `partial`; `ERR_LINE_TOO_LONG`; `ERR_UTF8`. All three leave the bytes for {@link read}.
   */
  async nextString(options: LineOptions = {}): Promise<string> {
    const line = await this.#reader.line(this.#lineBytes(options), options.signal)
    if (line === null) throw this.#reader.unexpectedEnd('')
    return line
  }

  /**
   * The next line as JSON. The type is the caller's word: nothing checks it.
   *
   * @throws {FastnNetError} as {@link nextString}; `ERR_JSON` when the line, which is taken, is not JSON.
   */
  async nextJson<T = Json>(options: LineOptions = {}): Promise<T> {
    const line = await this.nextString(options)
    try {
      return JSON.parse(line) as T
    } catch (cause) {
      throw new FastnNetError('ERR_JSON', 'the line is not JSON', { ...this.#core.context('read'), cause })
    }
  }

  /**
   * The lines up to the end, which need not end in `\n` itself. Leaving the loop leaves the stream open.
   *
   * @throws {FastnNetError} each step as {@link nextString}, but for `ERR_UNEXPECTED_END`.
   */
  lines(options: LineOptions = {}): AsyncIterableIterator<string> {
    const maxBytes = this.#lineBytes(options)
    const { signal } = options
    return new Pull(
      owner => this.#reader.lineOrLast(maxBytes, signal, owner),
      owner => this.#reader.leave(owner)
    )
  }

  /** Reads chunks up to the end. Leaving the loop leaves the stream open. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    return new Pull(
      owner => this.#reader.read(undefined, owner),
      owner => this.#reader.leave(owner)
    )
  }

  /**
   * The receiving half as a web stream of bytes, which can be read with a buffer of one's own (`{ mode: 'byob' }`).
   * Cancelling it is {@link stop}; a number as the reason is the code. While another read waits, it waits for that.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#readable ??= readableOf(
      into => this.#reader.readIntoInTurn(into),
      code => this.stop(code),
      PeerStream.lend(this)
    )
    return this.#readable
  }

  /**
   * The sending half as a web stream of bytes or strings. Closing it is {@link finish}, aborting it {@link reset};
   * a number as the reason is the code.
   */
  get writable(): WritableStream<Uint8Array | string> {
    this.#writable ??= writableOf(this, PeerStream.lend(this))
    return this.#writable
  }

  /**
   * Settles when sending is over: resolves when all up to {@link finish} was acknowledged by the peer (or the peer wanted no
   * more of it), rejects when it was reset, stopped, refused or lost before. Does not wait for the peer's own end.
   *
   * It rejects as soon as the peer stops reading or the connection ends, also while nobody reads or writes: a handler learns from it
   * that its caller has left. A reset of the peer's own sending half ends reading only.
   *
   * Ignoring it is safe: its rejection is never an unhandled one. Once finished, a stream whose `closed` was asked for keeps the
   * process alive until it settles. Asking before costs about a small write, and holds the stream until it is over.
   */
  get closed(): Promise<void> {
    return this.#writer.delivered
  }

  /**
   * Lets go: a stream that was not finished is reset, what was not read is stopped, both with 0. A `finish` that is pending rejects
   * with `ERR_STREAM_RESET`; one that has resolved stands.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.reset(0)
    this.#reader.stop(0)
  }

  #lineBytes(options: LineOptions): number {
    const { maxBytes } = checkOptions(options, lineNames)
    return maxBytes === undefined ? this.#core.link.endpoint.options.lineBytes : positive(maxBytes, 'options.maxBytes')
  }

  static {
    showAs(this, self => `PeerStream(${JSON.stringify(self.protocol)} with ${self.remoteId52})`)
  }
}
