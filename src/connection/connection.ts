import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingConnectionInfo } from '../native/binding-types.js'
import { failure, lastFailure, localFailure } from '../native/failure.js'
import { releaseWithOwner } from '../native/finalizers.js'
import { outcomeOf } from '../native/operations.js'
import { never } from '../native/wakeups.js'
import type { ConnectionState, EndpointState } from '../stream/endpoint-state.js'
import { streams } from '../stream/loaded.js'
import { HeldConnection } from '../stream/opener.js'
import type { Protocol } from '../stream/protocol.js'
import type { StreamState } from '../stream/stream-state.js'
import {
  type CancelOptions,
  type ConnectionClosed,
  type ConnectionPath,
  type ConnectionStats,
  type OpenOptions,
  openNames,
  signalOf
} from '../types.js'
import { inspectAs, jsonSafe } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { applicationCode, checkOptions, invalid } from '../util/validate.js'
import { stateOf } from './byte-stream.js'
import { streamQueues } from './loaded.js'
import { MessageStream } from './message-stream.js'
import { QueueIterator, type QueueSteps, stepsOf } from './queue-iterator.js'
import type { ServedProtocols } from './stream-queue.js'

// These three classes refer to each other in their types, so they share a file.

/** @internal */
export let streamOf: (state: StreamState) => PeerStream
/** @internal Takes over the handle. */
export let connectionOf: (endpoint: EndpointState, handle: number) => Connection
/** @internal */
export let incomingStreamsOf: (
  endpoint: EndpointState,
  served: ServedProtocols,
  signal?: AbortSignal
) => IncomingStreams

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
    this.#connection ??= observe(stateOf(this).connection)
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

  /** Negotiated ALPN: `/fastn-net/1`, `/fastn/entity/0.1` or `/kulfi/identity/0.1`. */
  get alpn(): string {
    return this.#info.alpn
  }

  /** Whether this side dialled the connection. */
  get dialled(): boolean {
    return this.#info.dialled
  }

  /** Round-trip time of the selected path, in milliseconds; `null` if it is unknown or the connection has closed. */
  get rtt(): number | null {
    return native().connectionRtt(this.#handle)
  }

  /** Known network paths; empty once the connection has closed. */
  get paths(): readonly ConnectionPath[] {
    return native().connectionPaths(this.#handle)
  }

  /**
   * Returns the connection's counters.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if this handle is disposed.
   */
  stats(): ConnectionStats {
    this.#checkHeld('stats')
    const stats = native().connectionStats(this.#handle)
    if (stats === null) throw lastFailure({ peer: this.remoteId52, phase: 'stats' })
    return stats
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
    const served = { headers: streamQueues().servedHeaders(protocols), fallback: false, connection: this.#info.id }
    return incomingStreamsOf(this.#endpoint, served, signalOf(options))
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
  async openBi(protocol: Protocol, options: OpenOptions = {}): Promise<PeerStream> {
    checkOptions(options, openNames)
    this.#checkHeld('open')
    const opener = new HeldConnection(this.#handle, this.remoteId52)
    return await streams().openStream(this.#endpoint, opener, protocol, options, streamOf)
  }

  /**
   * Resolves when the connection closes; never rejects. Waiting for it does not keep the process alive.
   *
   * @example
   * const { code, reason, by } = await connection.closed
   */
  get closed(): Promise<ConnectionClosed> {
    this.#closed ??= this.#waitForClose()
    return this.#closed
  }

  /**
   * Closes the connection for all of its users. No-op if it has closed.
   *
   * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
   * @param reason Text for the peer, truncated to 256 bytes. Default: `''`.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   */
  close(code: number | bigint = 0, reason = ''): void {
    if (typeof reason !== 'string') throw invalid('reason', 'a string')
    native().connectionClose(this.#handle, applicationCode(code, 'code'), reason)
  }

  /** Releases this handle: it no longer holds off the idle timeout, and opens no streams. {@link closed} still settles. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    native().connectionDispose(this.#handle)
  }

  #checkHeld(phase: string): void {
    if (this.#disposed)
      throw failure(localFailure('ERR_CLOSED', 'this connection handle is disposed'), { peer: this.remoteId52, phase })
  }

  async #waitForClose(): Promise<ConnectionClosed> {
    try {
      const { closed } = await outcomeOf(native().connectionClosed(this.#handle), {}, undefined, never)
      const result = closed as ConnectionClosed
      return typeof result.code === 'bigint' ? jsonSafe(result) : result
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
    incomingStreamsOf = (endpoint, served, signal) => {
      const { StreamQueue } = streamQueues()
      return new IncomingStreams(internal, stepsOf(new StreamQueue(endpoint, served, signal), streamOf))
    }
  }
}

/** Creates a handle that does not hold off the idle timeout. */
function observe({ endpoint, id, id52 }: ConnectionState): Connection {
  const handle = native().connectionView(endpoint.handle, id)
  if (handle === FAILED) throw lastFailure({ peer: id52, phase: 'connection' })
  return connectionOf(endpoint, handle)
}
