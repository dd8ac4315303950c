import {
  type Connection,
  type IncomingStreams,
  incomingStreamsOf,
  type PeerStream,
  streamOf
} from '../connection/connection.js'
import type { EndpointAddress, Peer } from '../keys/peer.js'
import type { PublicKey } from '../keys/public-key.js'
import { setKeepsAlive } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import type { Protocol } from '../stream/protocol.js'
import type { CancelOptions, OpenOptions, PeerInfo, TimeoutOptions } from '../types.js'
import { inspectAs } from '../util/display.js'
import { internal } from '../util/illegal-constructor.js'
import type { Access } from './access.js'
import type { EndpointParts } from './bound-endpoint.js'
import type { Closing } from './closing.js'
import type { IncomingConnections } from './incoming-connections.js'
import type { ListenOptions, StreamHandlers } from './listen.js'
import type { Listener } from './listener.js'
import { endpoints } from './loaded.js'
import type { KeepConnected, PeerChanges } from './peers.js'
import { ProxyEndpoint } from './proxy-endpoint.js'

/** @internal */
export let endpointOf: (parts: EndpointParts) => Endpoint

/** @internal Aborts when the endpoint closes. */
export let closingOf: (endpoint: Endpoint) => AbortSignal

/**
 * Dials and accepts peers under one key. Created by {@link createEndpoint} or {@link getEndpoint}.
 *
 * Pending calls keep the process alive, and so do listening and accepting unless {@link unref} was called. {@link watch} and
 * {@link keep} do not.
 */
export class Endpoint extends ProxyEndpoint implements AsyncDisposable {
  readonly #state: EndpointState
  readonly #closing: Closing
  /** Public key of this endpoint. */
  readonly publicKey: PublicKey
  /** Access lists and policy: peers that may connect, and what they may use. */
  readonly access: Access

  private constructor(
    key: typeof internal,
    state: EndpointState,
    publicKey: PublicKey,
    access: Access,
    closing: Closing
  ) {
    super(key, state)
    this.#state = state
    this.publicKey = publicKey
    this.access = access
    this.#closing = closing
  }

  /**
   * ID52 of this endpoint: share it with peers.
   *
   * @example
   * console.log(`dial me: ${endpoint.id52}`)
   */
  get id52(): string {
    return this.publicKey.id52
  }

  /**
   * Returns the addresses and relays at which this endpoint is currently known to be reachable. Peers can pass the result as a
   * {@link Peer}.
   *
   * @throws {FastnNetError} `ERR_CLOSED`.
   *
   * @example
   * await using stream = await other.getStream(endpoint.address(), 'Echo')
   */
  address(): EndpointAddress {
    return endpoints().addressOf(this.#state)
  }

  /**
   * Returns the address as a string, which peers can pass as a {@link Peer}. With relays enabled, waits until one is connected. If the
   * relay refuses this endpoint, the wait ends, the ticket contains no relay, and the process gets one warning (`ERR_RELAY`).
   *
   * @param options `timeout`: limit of that wait; the ticket then contains what is known. 0 does not wait. Default: 5 s.
   * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * console.log(await endpoint.ticket())
   */
  ticket(options: TimeoutOptions = {}): Promise<string> {
    return endpoints().ticketOf(this.#state, options)
  }

  /**
   * Opens a stream to a peer. Dials it if there is no connection, and retries with backoff until the timeout: see {@link OpenOptions}.
   *
   * @throws {FastnNetError} `ERR_UNREACHABLE`, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`. If the peer refuses, such as
   * `ERR_PROTOCOL_UNSUPPORTED`, `ERR_UNAUTHORIZED`, `ERR_BUSY`. `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`.
   *
   * @example
   * await using stream = await endpoint.getStream(peer, 'Echo')
   * await stream.finish('hello\n')
   * console.log(await stream.nextString())
   */
  getStream(peer: Peer, protocol: Protocol, options: OpenOptions = {}): Promise<PeerStream> {
    return endpoints().streamTo(this.#state, peer, protocol, options)
  }

  /**
   * Accepts streams of these protocols from all peers, as an async iterator. Do not await the handling of a stream in the loop: the
   * next stream would wait for it. {@link listen} handles streams concurrently.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if a protocol already has a listener. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   * `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * for await (const stream of endpoint.acceptBi('Echo')) void handle(stream)
   */
  acceptBi(protocols: Protocol | readonly Protocol[], options: CancelOptions = {}): IncomingStreams {
    return incomingStreamsOf(endpoints().streamSteps(this.#state, protocols, options, streamOf))
  }

  /**
   * Calls a protocol's handler for each incoming stream. Handlers run concurrently.
   *
   * Returns at once. {@link Listener.ready} tells whether the protocols are served, and {@link Listener.closed} when listening has
   * ended. It ends with {@link Listener.close}, the signal, {@link drain}, {@link close}, or the shutdown of the endpoint's
   * {@link Graceful}.
   *
   * Listening keeps the process alive while the endpoint is referenced. It does not depend on a reference to the result.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
   *
   * @example
   * endpoint.listen({
   *   async Echo(stream) {
   *     for await (const chunk of stream) await stream.write(chunk)
   *   }
   * })
   */
  listen(handlers: StreamHandlers, options?: ListenOptions): Listener {
    return endpoints().listen(this.#state, handlers, options, closed => this.#closing.listening(closed))
  }

  /**
   * Accepts connections from peers, as an async iterator. At most one at a time.
   *
   * Before {@link Connection.acceptBi} is called, the connection's streams go to the endpoint's listeners. A stream without a listener
   * waits until 1 s after the iterator yielded its connection, and is then refused.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if another iterator accepts connections. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   * `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * for await (const connection of endpoint.accept()) console.log(connection.remoteId52)
   */
  accept(options: CancelOptions = {}): IncomingConnections {
    return endpoints().acceptConnections(this.#state, options)
  }

  /**
   * Returns the connection with a peer, and dials if there is none.
   *
   * The peer may reject this key only after the call has resolved. The connection then closes with code 0x104, and opening a stream
   * fails with `ERR_UNAUTHORIZED`. Streams that the peer opens on a new connection wait up to 1 s for a listener.
   *
   * @param options `timeout`: 0 takes a connection that exists, and never dials. Default: the endpoint's `openTimeout`, 30 s.
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_UNREACHABLE`. `ERR_UNAUTHORIZED`. `ERR_BUSY` if the peer
   * accepts no more connections. `ERR_PROTOCOL_UNSUPPORTED` if the peer speaks none of this library's ALPNs. `ERR_CLOSED`.
   *
   * @example
   * await using connection = await endpoint.connect(peer)
   * await using stream = await connection.openBi('Echo')
   */
  connect(peer: Peer, options: TimeoutOptions = {}): Promise<Connection> {
    return endpoints().connectTo(this.#state, peer, options)
  }

  /**
   * Measures the round-trip time to a peer, in milliseconds. Dials if there is no connection. The peer's library answers, not its
   * application. A peer that listens for nothing answers on a connection that it dialled, and cannot be dialled.
   *
   * @throws {FastnNetError} The errors of {@link connect}. `ERR_PING` if the answer is wrong or takes longer than `pingTimeout`.
   *
   * @example
   * console.log(`${await endpoint.ping(peer)} ms`)
   */
  ping(peer: Peer, options: CancelOptions = {}): Promise<number> {
    return endpoints().pingPeer(this.#state, peer, options)
  }

  /**
   * Snapshot of all tracked peers, ordered by ID52. A peer is tracked from its first use or connection until it has been unused for
   * `idleTimeout`. Empty once the endpoint is closed. For changes, see {@link watch}.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
   *
   * @example
   * for (const { id52, state, lastError } of endpoint.peers()) console.log(id52, state, lastError?.message)
   */
  peers(): readonly PeerInfo[] {
    return endpoints().peersOf(this.#state)
  }

  /**
   * Yields a snapshot of each tracked peer, then of each peer whose state, connections or paths change. A peer that is no longer tracked
   * is yielded once more, with `tracked: false`. Changes of bytes, streams and round-trip times alone are not reported.
   *
   * Never builds a backlog: a slow consumer gets the latest snapshot of each changed peer. Several watchers may run at once. The signal
   * and {@link close} end it without an error. Does not keep the process alive.
   *
   * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * for await (const { id52, state } of endpoint.watch()) console.log(id52, state)
   */
  watch(options: CancelOptions = {}): PeerChanges {
    return endpoints().watchPeers(this.#state, options)
  }

  /**
   * Returns this endpoint's metrics in the Prometheus text format 0.0.4. Serve them as `text/plain; version=0.0.4`. docs/metrics.md lists
   * them. Bounded: no label value comes from a peer. A closed endpoint returns its last values.
   *
   * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
   *
   * @example
   * createServer((_request, response) => response.end(endpoint.metrics())).listen(9090)
   */
  metrics(): string {
    return endpoints().metricsOf(this.#state)
  }

  /**
   * Keeps a peer connected: dials now, and redials whenever the connection is lost, with the backoff of {@link ConnectOptions} and no
   * limit. The connection does not idle out. After the peer rejects this key, redials only for another call or a new address.
   *
   * Ends when the result is closed or disposed, the signal aborts, or the endpoint closes. Reports no failures: see {@link peers}. Does not keep the
   * process alive.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * using kept = endpoint.keep(server)
   */
  keep(peer: Peer, options: CancelOptions = {}): KeepConnected {
    return endpoints().keepPeer(this.#state, peer, options)
  }

  /**
   * Refuses new streams and connections from peers, with `ERR_SHUTTING_DOWN`. Listeners and loops end after the streams that are already
   * acknowledged. Open streams continue, and {@link getStream}, {@link connect} and {@link ping} still work, so that work in progress can
   * finish before {@link close}. Idempotent. Cannot be undone.
   *
   * @example
   * endpoint.drain()
   * await runningWork
   * await endpoint.close()
   */
  drain(): void {
    this.#state.drain()
  }

  /**
   * Closes the endpoint:
   *
   * 1. Listeners end.
   * 2. Finished streams are delivered, within the timeout. So are those whose `finish` is pending. All other streams are lost.
   * 3. Peers are notified of the shutdown, and the ports are freed.
   *
   * Idempotent: all callers share one close. Keeps the process alive until it resolves.
   *
   * May be awaited in a handler: closing does not wait for handlers. The handler's own stream is lost unless it was finished before; a
   * handler that then returns has not failed.
   *
   * @param options `timeout`: limit of step 2, which 0 skips; a silent peer can take some round trips more. Default: the endpoint's `closeTimeout`, 5 s.
   * `signal`: ends the wait, not the close.
   * @returns Number of finished streams that were not acknowledged in time. A `finish` that is still pending then rejects with `ERR_CLOSED`.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * await endpoint.close({ timeout: 1000 })
   */
  close(options: TimeoutOptions = {}): Promise<number> {
    return this.#closing.close(options)
  }

  /** Lets listening and accepting keep the process alive. This is the default. */
  ref(): this {
    setKeepsAlive(this.#state, true)
    return this
  }

  /** Stops current and later listening and accepting from keeping the process alive. Other pending calls still do. */
  unref(): this {
    setKeepsAlive(this.#state, false)
    return this
  }

  /** Closes the endpoint, like {@link close}. During a shutdown of its `graceful`, after the running handlers, as the shutdown does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.handlersInShutdown()
    await this.close()
  }

  static {
    endpointOf = ({ state, publicKey, access, closing }) => new Endpoint(internal, state, publicKey, access, closing)
    closingOf = endpoint => endpoint.#state.closing
    inspectAs(this, self => `Endpoint(${self.id52})`)
  }
}
