import type { Protocol } from '../stream/protocol.js'
import type { StreamState } from '../stream/stream-state.js'
import type { CancelOptions, ConnectionClosed, ConnectionPath, ConnectionStats, OpenOptions } from '../types.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { stateOf } from './byte-stream.js'
import type { ConnectionHandle } from './connection-handle.js'
import { connections } from './loaded.js'
import { MessageStream } from './message-stream.js'
import { QueueIterator, type QueueSteps } from './queue-iterator.js'

// These three classes refer to each other in their types, so they share a file.

/** @internal */
export let streamOf: (state: StreamState) => PeerStream
/** @internal */
export let connectionOf: (handle: ConnectionHandle) => Connection
/** @internal */
export let incomingStreamsOf: (steps: QueueSteps<PeerStream>) => IncomingStreams

/**
 * A {@link ByteStream} to a peer, for one protocol. {@link MessageStream} has its calls for lines, JSON and whole texts.
 *
 * @example
 * await using stream = await endpoint.getStream(peer, 'Echo')
 * await stream.finish('hello\n')
 * console.log(await stream.nextString())
 */
export class PeerStream extends MessageStream {
  #connection: Connection | undefined

  private constructor(key: typeof internal, state: StreamState) {
    super(key, state)
  }

  /** Protocol that the opener requested. */
  get protocol(): Protocol {
    return stateOf(this).protocol
  }

  /** ID52 of the peer, authenticated by the handshake. */
  get remoteId52(): string {
    return stateOf(this).connection.id52
  }

  /** QUIC stream id, unique within the connection. */
  get id(): number {
    return stateOf(this).id
  }

  /**
   * Connection of this stream. Does not hold off the connection's idle timeout.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if the connection has closed.
   */
  get connection(): Connection {
    this.#connection ??= connectionOf(connections().observe(stateOf(this).connection))
    return this.#connection
  }

  static {
    streamOf = state => new PeerStream(internal, state)
    inspectAs(this, self => `PeerStream(${JSON.stringify(self.protocol)} with ${self.remoteId52})`)
  }
}

/**
 * Handle to the QUIC connection with a peer, which the endpoint owns. Disposing or garbage-collecting the handle does not close the
 * connection; {@link close} does, for all of its users.
 *
 * A handle from {@link Endpoint.connect} or {@link Endpoint.accept} holds off the idle timeout until it is disposed.
 * {@link PeerStream.connection} only observes.
 */
export class Connection implements AsyncDisposable {
  readonly #handle: ConnectionHandle

  private constructor(key: typeof internal, handle: ConnectionHandle) {
    checkConstructor(key, 'endpoint.connect() or accept()')
    this.#handle = handle
  }

  /** ID52 of the peer. */
  get remoteId52(): string {
    return this.#handle.info.id52
  }

  /** Negotiated ALPN: `/fastn-net/1`, `/fastn/entity/0.1` or `/kulfi/identity/0.1`. */
  get alpn(): string {
    return this.#handle.info.alpn
  }

  /** Whether this side dialled the connection. */
  get dialled(): boolean {
    return this.#handle.info.dialled
  }

  /** Round-trip time of the selected path, in milliseconds; `null` if it is unknown or the connection has closed. */
  get rtt(): number | null {
    return this.#handle.rtt
  }

  /** Known network paths; empty once the connection has closed. */
  get paths(): readonly ConnectionPath[] {
    return this.#handle.paths
  }

  /**
   * Returns the connection's counters.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if this handle is disposed.
   */
  stats(): ConnectionStats {
    return this.#handle.stats()
  }

  /**
   * Accepts streams of these protocols on this connection. Takes precedence over the endpoint's listeners. The loop ends without an
   * error once the connection has closed and all earlier streams are taken.
   *
   * Waiting for a stream keeps the process alive while the endpoint is referenced.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if this connection has a listener for one of the protocols. `ERR_CLOSED`.
   * `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * for await (const stream of connection.acceptBi('Echo')) void handle(stream)
   */
  acceptBi(protocols: Protocol | readonly Protocol[], options: CancelOptions = {}): IncomingStreams {
    return incomingStreamsOf(this.#handle.accept(protocols, options, streamOf))
  }

  /**
   * Opens a stream on this connection. Never redials.
   *
   * @throws {FastnNetError} The errors of {@link Endpoint.getStream}, except those of dialling. `ERR_CLOSED` if this handle is
   * disposed. `ERR_INVALID_ARGUMENT` also on a connection dialled by an older peer, which accepts no streams on it.
   *
   * @example
   * await using stream = await connection.openBi('Echo')
   */
  openBi(protocol: Protocol, options: OpenOptions = {}): Promise<PeerStream> {
    return this.#handle.open(protocol, options, streamOf)
  }

  /**
   * Resolves when the connection closes; never rejects. Waiting for it does not keep the process alive.
   *
   * @example
   * const { code, reason, by } = await connection.closed
   */
  get closed(): Promise<ConnectionClosed> {
    return this.#handle.closed
  }

  /**
   * Closes the connection for all of its users. No-op if it has closed.
   *
   * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
   * @param reason Text for the peer, truncated to 256 bytes. Default: `''`.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  close(code: number | bigint = 0, reason = ''): void {
    this.#handle.close(code, reason)
  }

  /** Releases this handle: it no longer holds off the idle timeout, and opens no streams. {@link closed} still settles. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#handle.dispose()
  }

  static {
    connectionOf = handle => new Connection(internal, handle)
    inspectAs(this, self => `Connection(${self.alpn} with ${self.remoteId52})`)
  }
}

/**
 * Async iterator over incoming streams. It serves its protocols from creation until it is left, aborted, or the endpoint closes. Queued
 * streams are then refused. {@link Connection.acceptBi} also ends with its connection, after the streams that arrived before.
 *
 * Waiting for a stream keeps the process alive while the endpoint is referenced.
 */
export class IncomingStreams extends QueueIterator<PeerStream> {
  private constructor(key: typeof internal, steps: QueueSteps<PeerStream>) {
    super(key, 'acceptBi()', steps)
  }

  static {
    incomingStreamsOf = steps => new IncomingStreams(internal, steps)
  }
}
