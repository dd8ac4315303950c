import { type BindingConnectionInfo, FAILED, native } from '../native/binding.js'
import { failure, lastFailure, localFailure } from '../native/failure.js'
import { releaseWithOwner } from '../native/finalizers.js'
import { outcomeOf } from '../native/operations.js'
import { type Opener, openStream } from '../stream/open.js'
import { type OpenOptions, openNames } from '../stream/open-options.js'
import type { ProtocolInput } from '../stream/protocol.js'
import { type CancelOptions, signalOf } from '../types.js'
import { userCode } from '../util/application-code.js'
import { showAs } from '../util/inspect.js'
import { jsonSafe } from '../util/json-safe.js'
import { checkOptions } from '../util/option-names.js'
import { invalid } from '../util/validate.js'
import type { ConnectionClosed, ConnectionPath, ConnectionStats } from './connection-info.js'
import type { EndpointState, Link } from './endpoint-state.js'
import { IncomingStreams } from './incoming-streams.js'
import type { PeerStream } from './peer-stream.js'

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

  private constructor(endpoint: EndpointState, handle: number) {
    const info = native().connectionInfo(handle)
    if (info === null) throw lastFailure({ phase: 'connection' })
    this.#endpoint = endpoint
    this.#handle = handle
    this.#info = info
    releaseWithOwner(this, handle)
  }

  /** @internal */
  static of(endpoint: EndpointState, handle: number): Connection {
    return new Connection(endpoint, handle)
  }

  /** @internal */
  static at(link: Link): Connection {
    const handle = native().connectionView(link.endpoint.handle, link.connection)
    if (handle === FAILED) throw lastFailure({ peer: link.id52, phase: 'connection' })
    return new Connection(link.endpoint, handle)
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
    return IncomingStreams.of(this.#endpoint, protocols, this.#info.id, signalOf(options))
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
    return await openStream(this.#endpoint, new ThisConnection(this.#handle, this.remoteId52), protocol, options)
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
    native().connectionClose(this.#handle, userCode(code, 'code'), reason)
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
    showAs(this, self => `Connection(${self.alpn} with ${self.remoteId52})`)
  }
}

class ThisConnection implements Opener {
  readonly dials = false
  readonly #handle: number
  readonly id52: string

  constructor(handle: number, id52: string) {
    this.#handle = handle
    this.id52 = id52
  }

  tryOpen(line: Uint8Array, hasExtra: boolean, ids: Float64Array): number {
    return native().connectionOpenTry(this.#handle, line, hasExtra, ids)
  }

  startOpen(line: Uint8Array, hasExtra: boolean, awaitAck: boolean, _retry: boolean, timeout: number): number {
    return native().connectionOpenStart(this.#handle, line, hasExtra, awaitAck, timeout)
  }
}
