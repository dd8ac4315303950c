import {
  type Connection,
  connectionOf,
  type IncomingStreams,
  incomingStreamsOf,
  type PeerStream,
  streamOf
} from '../connection/connection.js'
import { streamQueues } from '../connection/loaded.js'
import type { EndpointAddress, Peer } from '../keys/peer.js'
import type { PublicKey } from '../keys/public-key.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { handleOf, outcomeOf } from '../native/operations.js'
import { setKeepsAlive } from '../native/wakeups.js'
import { defaults } from '../settings.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { streams } from '../stream/loaded.js'
import type { Protocol } from '../stream/protocol.js'
import {
  type CancelOptions,
  type OpenOptions,
  openNames,
  type PeerInfo,
  signalOf,
  type TimeoutOptions,
  timeoutOf
} from '../types.js'
import { watched } from '../util/diagnostics.js'
import { inspectAs } from '../util/display.js'
import { internal } from '../util/illegal-constructor.js'
import { abortable } from '../util/timeout.js'
import { checkOptions, throwIfAborted } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import { type Access, accessOf } from './access.js'
import type { Closing } from './closing.js'
import type { Graceful } from './graceful.js'
import { type IncomingConnections, incomingConnectionsOf } from './incoming-connections.js'
import type { ListenOptions, StreamHandlers } from './listen.js'
import type { Listener } from './listener.js'
import { endpoints } from './loaded.js'
import { type KeepConnected, keep, type PeerChanges, peerChangesOf, peerInfo } from './peers.js'
import type { Policy } from './policy.js'
import { ProxyEndpoint } from './proxy-endpoint.js'
import { trackedPeer } from './tracked-peer.js'

/** @internal */
export let endpointOf: (
  state: EndpointState,
  publicKey: PublicKey,
  graceful: Graceful | undefined,
  policy: Policy | null
) => Endpoint

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
    graceful: Graceful | undefined,
    policy: Policy | null
  ) {
    super(key, state)
    this.#state = state
    this.publicKey = publicKey
    this.access = accessOf(state, policy)
    const { Closing } = endpoints()
    this.#closing = new Closing(state, graceful)
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
    this.#state.checkOpen('address')
    const address = native().endpointAddress(this.#state.handle)
    if (address === null) throw lastFailure({ phase: 'address' })
    return address
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
  async ticket(options: TimeoutOptions = {}): Promise<string> {
    const timeout = timeoutOf(options, defaults.ticketTimeout)
    throwIfAborted(options.signal)
    this.#state.checkOpen('ticket')
    const operation = native().endpointTicket(this.#state.handle, timeout)
    const { text } = await outcomeOf(operation, { phase: 'ticket' }, options.signal)
    // Closed meanwhile: the text has no address.
    this.#state.checkOpen('ticket')
    const refusal = native().endpointRelayRefusal(this.#state.handle)
    if (refusal !== null) warnOnce(new Error(refusal), 'ERR_RELAY', why => `the ticket has no relay: ${why}`)
    return text as string
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
    try {
      checkOptions(options, openNames)
      const tracked = trackedPeer(this.#state, peer)
      const { openNow, openStream } = streams()
      const state = openNow(this.#state, tracked, protocol, options)
      if (state !== undefined) return Promise.resolve(streamOf(state))
      return openStream(this.#state, tracked, protocol, options, streamOf)
    } catch (error) {
      return Promise.reject(error)
    }
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
    const { servedHeaders } = streamQueues()
    return incomingStreamsOf(this.#state, { headers: servedHeaders(protocols), fallback: false }, signalOf(options))
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
    return incomingConnectionsOf(this.#state, signalOf(options))
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
  async connect(peer: Peer, options: TimeoutOptions = {}): Promise<Connection> {
    const timeout = timeoutOf(options, this.#state.options.openTimeout)
    throwIfAborted(options.signal)
    const { handle, id52 } = trackedPeer(this.#state, peer)
    const traced = watched('connect')
    if (traced === undefined) return await this.#connect(handle, id52, timeout, options.signal)
    const connect = () => this.#connect(handle, id52, timeout, options.signal)
    return await traced.tracePromise(connect, { endpoint: this.id52, peer: id52 })
  }

  async #connect(peer: number, id52: string, timeout: number, signal: AbortSignal | undefined): Promise<Connection> {
    const operation = native().peerConnect(peer, timeout)
    return connectionOf(this.#state, await handleOf(operation, { peer: id52, phase: 'connect' }, signal))
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
  async ping(peer: Peer, options: CancelOptions = {}): Promise<number> {
    throwIfAborted(signalOf(options))
    const { handle, id52 } = trackedPeer(this.#state, peer)
    const { number } = await outcomeOf(
      native().peerPing(handle, this.#state.options.openTimeout),
      { peer: id52, phase: 'ping' },
      options.signal
    )
    return number as number
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
    const peers = native().endpointPeers(this.#state.handle)
    if (peers === null) throw lastFailure({ phase: 'peers' })
    return peers.map(peerInfo)
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
    return peerChangesOf(this.#state, signalOf(options))
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
    const text = native().endpointMetrics(this.#state.handle)
    if (text === null) throw lastFailure({ phase: 'metrics' })
    return text
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
    throwIfAborted(signalOf(options))
    return keep(trackedPeer(this.#state, peer), options.signal)
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
  async close(options: TimeoutOptions = {}): Promise<number> {
    const timeout = timeoutOf(options, this.#state.options.closeTimeout)
    throwIfAborted(options.signal)
    return await abortable(this.#closing.close(timeout), options.signal)
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
    endpointOf = (state, publicKey, graceful, policy) => new Endpoint(internal, state, publicKey, graceful, policy)
    closingOf = endpoint => endpoint.#state.closing
    inspectAs(this, self => `Endpoint(${self.id52})`)
  }
}
