import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingConnectionInfo } from '../native/binding-types.js'
import { failure, lastFailure, localFailure } from '../native/failure.js'
import { releaseWithOwner } from '../native/finalizers.js'
import { outcomeOf } from '../native/operations.js'
import type { StreamCore } from '../stream/core.js'
import type { EndpointState, Link } from '../stream/endpoint-state.js'
import { linesOf, parseJson, readLine } from '../stream/lines.js'
import { openStream } from '../stream/open.js'
import { HeldConnection } from '../stream/opener.js'
import type { Json, Protocol, ProtocolInput } from '../stream/protocol.js'
import { ReadIterator } from '../stream/read-iterator.js'
import { ReadHalf } from '../stream/reader.js'
import { readableOf, writableOf } from '../stream/web-streams.js'
import { WriteHalf } from '../stream/writer.js'
import {
  type CancelOptions,
  type ConnectionClosed,
  type ConnectionPath,
  type ConnectionStats,
  type LineOptions,
  type OpenOptions,
  openNames,
  type ReadIntoOptions,
  readNames,
  signalOf
} from '../types.js'
import { inspectAs, jsonSafe } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { applicationCode, checkOptions, invalid } from '../util/validate.js'
import { nextOf } from './incoming-queue.js'
import { Listener, listOf, type Served } from './listener.js'

// The three public classes name each other in their types, so they share a file. What the layers above need of their private fields
// are the functions here: no property of a class gives it to JavaScript.

/** @internal Makes the object of a stream. */
export let streamOf: (core: StreamCore) => PeerStream
/** @internal */
export let coreOf: (stream: PeerStream) => StreamCore
/** @internal */
export let readerOf: (stream: PeerStream) => ReadHalf
/** @internal */
export let writerOf: (stream: PeerStream) => WriteHalf
/** @internal Takes over the handle of a view. */
export let connectionOf: (endpoint: EndpointState, handle: number) => Connection
/** @internal */
export let incomingStreamsOf: (endpoint: EndpointState, served: Served, signal?: AbortSignal) => IncomingStreams

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

  private constructor(key: typeof internal, core: StreamCore) {
    checkConstructor(key, 'endpoint.getStream() or listen()')
    this.#core = core
    this.#reader = new ReadHalf(core)
    this.#writer = new WriteHalf(core)
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
    this.#connection ??= viewOf(this.#core.link)
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
    return this.#writer.write(chunk, options)
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
    return this.#writer.finish(chunk, options)
  }

  /**
   * Ends sending at once: what has not arrived is thrown away, and the peer sees `ERR_STREAM_RESET` with this code, not an end.
   * Waiting writes reject. Does nothing once sending has ended.
   *
   * @param code 0 (the default) or a code of the application's own, below 2^62, a bigint from 2^53 on; 0x100 to 0x1ff are reserved.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  reset(code: number | bigint = 0): void {
    this.#writer.reset(applicationCode(code, 'code'))
  }

  /**
   * Takes no further byte: the peer's writes fail with `ERR_STREAM_STOPPED` and this code. A waiting read rejects.
   * Does nothing once the end was reached.
   *
   * @param code 0 (the default) or a code of the application's own, below 2^62, a bigint from 2^53 on; 0x100 to 0x1ff are reserved.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  stop(code: number | bigint = 0): void {
    this.#reader.stop(applicationCode(code, 'code'))
  }

  /**
   * The next line, without its `\n`. What comes behind it stays for the next call, of whatever kind.
   *
   * @throws {FastnNetError} as {@link read}. `ERR_UNEXPECTED_END` when the stream ends before the line does, with its text in
   * `partial`; `ERR_LINE_TOO_LONG`; `ERR_UTF8`. All three leave the bytes for {@link read}. A truncated last line is reported once:
   * the next call fails with an empty `partial`, as it does where the stream has ended after a line.
   */
  nextString(options: LineOptions = {}): Promise<string> {
    return readLine(this.#core, this.#reader, options)
  }

  /**
   * The next line as JSON. The type is the caller's word: nothing checks it.
   *
   * @throws {FastnNetError} as {@link nextString}; `ERR_JSON` when the line, which is taken, is not JSON.
   */
  async nextJson<T = Json>(options: LineOptions = {}): Promise<T> {
    return parseJson(this.#core, await this.nextString(options))
  }

  /**
   * The lines up to the end, which need not end in `\n` itself. Leaving the loop leaves the stream open.
   *
   * @throws {FastnNetError} each step as {@link nextString}, but for `ERR_UNEXPECTED_END`.
   */
  lines(options: LineOptions = {}): AsyncIterableIterator<string> {
    return linesOf(this.#core, this.#reader, options)
  }

  /** Reads chunks up to the end. Leaving the loop leaves the stream open. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    return new ReadIterator(
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
      this.#core.lend()
    )
    return this.#readable
  }

  /**
   * The sending half as a web stream of bytes or strings. Closing it is {@link finish}, aborting it {@link reset};
   * a number as the reason is the code.
   */
  get writable(): WritableStream<Uint8Array | string> {
    this.#writable ??= writableOf(this, this.#core.lend())
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

  static {
    streamOf = core => new PeerStream(internal, core)
    coreOf = stream => stream.#core
    readerOf = stream => stream.#reader
    writerOf = stream => stream.#writer
    inspectAs(this, self => `PeerStream(${JSON.stringify(self.protocol)} with ${self.remoteId52})`)
  }
}

/**
 * A view of the one connection with a peer, which the endpoint owns. Collecting or disposing a view closes nothing.
 *
 * A view from {@link Endpoint.connect} or {@link Endpoint.accept} counts as use: the connection does not idle out until the view is
 * disposed. {@link PeerStream.connection} only observes.
 */
export class Connection implements AsyncDisposable {
  readonly #endpoint: EndpointState
  readonly #handle: number
  readonly #info: BindingConnectionInfo
  #disposed = false
  #closed: Promise<ConnectionClosed> | undefined

  private constructor(key: typeof internal, endpoint: EndpointState, handle: number) {
    checkConstructor(key, 'endpoint.connect() or accept()')
    const info = native().connectionInfo(handle)
    if (info === null) throw lastFailure({ phase: 'connection' })
    this.#endpoint = endpoint
    this.#handle = handle
    this.#info = info
    releaseWithOwner(this, handle)
  }

  /** ID52 of the peer. */
  get remoteId52(): string {
    return this.#info.id52
  }

  /** What was agreed on to speak: `/fastn-net/1`, `/fastn/entity/0.1` or `/kulfi/identity/0.1`. */
  get alpn(): string {
    return this.#info.alpn
  }

  /** Whether this side dialled it. */
  get dialled(): boolean {
    return this.#info.dialled
  }

  /** Round-trip time of the path in use, in milliseconds; `null` when it is not known, or the connection has ended. */
  get rtt(): number | null {
    return native().connectionRtt(this.#handle)
  }

  /** The ways its packets can take; none once it has ended. */
  get paths(): readonly ConnectionPath[] {
    return native().connectionPaths(this.#handle)
  }

  /**
   * Counters since it was made.
   *
   * @throws {FastnNetError} `ERR_CLOSED` when the view was disposed.
   */
  stats(): ConnectionStats {
    this.#checkHeld('stats')
    const stats = native().connectionStats(this.#handle)
    if (stats === null) throw lastFailure({ peer: this.remoteId52, phase: 'stats' })
    return stats
  }

  /**
   * The streams of these protocols that the peer opens on this connection, before any other listener of the endpoint. The loop
   * ends without an error when the connection has ended and the streams that arrived before are taken.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` when this connection has a listener for one of them; `ERR_CLOSED`;
   * `ERR_INVALID_ARGUMENT`.
   */
  acceptBi(protocols: ProtocolInput | readonly ProtocolInput[], options: CancelOptions = {}): IncomingStreams {
    const served = { protocols: listOf(protocols), otherwise: false, connection: this.#info.id }
    return incomingStreamsOf(this.#endpoint, served, signalOf(options))
  }

  /**
   * Opens a stream on this connection and no other.
   *
   * @throws {FastnNetError} as {@link Endpoint.getStream}, but for what concerns dialling; `ERR_CLOSED` after disposal;
   * `ERR_INVALID_ARGUMENT` also where an older peer made the connection, on which it takes no stream.
   */
  async openBi(protocol: ProtocolInput, options: OpenOptions = {}): Promise<PeerStream> {
    checkOptions(options, openNames)
    this.#checkHeld('open')
    const opener = new HeldConnection(this.#handle, this.remoteId52)
    return await openStream(this.#endpoint, opener, protocol, options, streamOf)
  }

  /** Resolves when the connection has ended, and says how; never rejects. Waiting for it does not keep the process alive. */
  get closed(): Promise<ConnectionClosed> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  /**
   * Closes the connection for everyone who uses it. Does nothing when it has ended.
   *
   * @param code 0 (the default) or a code of the application's own, below 2^62, a bigint from 2^53 on; 0x100 to 0x1ff are reserved.
   * @param reason what the peer is told, a short text: the first 256 bytes of it.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  close(code: number | bigint = 0, reason = ''): void {
    if (typeof reason !== 'string') throw invalid('reason', 'a string')
    native().connectionClose(this.#handle, applicationCode(code, 'code'), reason)
  }

  /** Gives the view back: it no longer counts as use and opens no stream. {@link closed} still says how the connection ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    native().connectionDispose(this.#handle)
  }

  #checkHeld(phase: string): void {
    if (this.#disposed)
      throw failure(localFailure('ERR_CLOSED', 'the view was disposed'), { peer: this.remoteId52, phase })
  }

  async #end(): Promise<ConnectionClosed> {
    try {
      const { closed } = await outcomeOf(native().connectionClosed(this.#handle), {}, undefined, false)
      const ended = closed as ConnectionClosed
      return typeof ended.code === 'bigint' ? jsonSafe(ended) : ended
    } catch (error) {
      return { code: 0, reason: error instanceof Error ? error.message : String(error), by: 'local' }
    }
  }

  static {
    connectionOf = (endpoint, handle) => new Connection(internal, endpoint, handle)
    inspectAs(this, self => `Connection(${self.alpn} with ${self.remoteId52})`)
  }
}

/**
 * Incoming streams, to be taken in a loop. It serves its protocols from the call that made it on; leaving the loop, its signal,
 * or closing the endpoint ends it, and what still waits is refused. One of a single connection also ends when that connection
 * does, after the streams that arrived before.
 *
 * Waiting for a stream keeps the process alive, unless the endpoint is unreferenced.
 */
export class IncomingStreams implements AsyncIterableIterator<PeerStream>, AsyncDisposable {
  readonly #listener: Listener

  private constructor(key: typeof internal, listener: Listener) {
    checkConstructor(key, 'acceptBi()')
    this.#listener = listener
  }

  /** The next stream. Several calls may wait at once. */
  next(): Promise<IteratorResult<PeerStream, undefined>> {
    return nextOf(this.#listener, streamOf)
  }

  /** Ends it: the protocols are free for another, calls of {@link next} that wait see the end. */
  async return(): Promise<IteratorResult<PeerStream, undefined>> {
    this.#listener.close()
    return { done: true, value: undefined }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** As {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close()
  }

  static {
    incomingStreamsOf = (endpoint, served, signal) =>
      new IncomingStreams(internal, new Listener(endpoint, served, signal))
  }
}

/** A view that only observes. */
function viewOf({ endpoint, connection, id52 }: Link): Connection {
  const handle = native().connectionView(endpoint.handle, connection)
  if (handle === FAILED) throw lastFailure({ peer: id52, phase: 'connection' })
  return connectionOf(endpoint, handle)
}
