import {
  type Connection,
  connectionOf,
  type IncomingStreams,
  incomingStreamsOf,
  type PeerStream,
  streamOf
} from '../connection/connection.js'
import { listOf } from '../connection/listener.js'
import { addressOf, type EndpointAddress, type Peer, parsePeer } from '../keys/peer.js'
import type { PublicKey } from '../keys/public-key.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { handleOf, outcomeOf } from '../native/operations.js'
import { wakeWord } from '../native/wakeups.js'
import { defaults } from '../settings.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { openNow, openStream } from '../stream/open.js'
import type { KnownPeer } from '../stream/opener.js'
import type { ProtocolInput } from '../stream/protocol.js'
import {
  type CancelOptions,
  type OpenOptions,
  openNames,
  signalOf,
  type TimeoutOptions,
  timeoutNames
} from '../types.js'
import { watched } from '../util/diagnostics.js'
import { inspectAs } from '../util/display.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { whileWanted } from '../util/timeout.js'
import { checkOptions, throwIfAborted, timeLimit } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import { type Access, accessOf } from './access.js'
import { closingBeforeExit, forgetAtExit } from './exit.js'
import { type Graceful, joinShutdown, type Serving, type ShutdownMember } from './graceful.js'
import { type IncomingConnections, incomingConnectionsOf } from './incoming-connections.js'
import { type ListenOptions, listen, type StreamHandlers } from './listen.js'
import { type KeptPeer, keep, type PeerChanges, type PeerInfo, peerChangesOf, peerInfo } from './peers.js'

/** @internal */
export let endpointOf: (state: EndpointState, publicKey: PublicKey, graceful: Graceful | undefined) => Endpoint

/** This program among its peers. Made by {@link getEndpoint}. */
export class Endpoint implements AsyncDisposable {
  readonly #state: EndpointState
  readonly #shutdown: ShutdownMember | undefined
  // What closing cut off, for the report of a shutdown.
  #cutOff: Serving | undefined
  // All callers of `close` share it, and so find it settled in the order in which they called.
  #closed: Promise<number> | undefined
  /** Who this endpoint is. */
  readonly publicKey: PublicKey
  /** Who may connect and use what is listened for. */
  readonly access: Access

  private constructor(
    key: typeof internal,
    state: EndpointState,
    publicKey: PublicKey,
    graceful: Graceful | undefined
  ) {
    checkConstructor(key, 'getEndpoint()')
    this.#state = state
    this.publicKey = publicKey
    this.access = accessOf(state)
    if (graceful === undefined) return
    state.served = new Map()
    this.#shutdown = joinShutdown(graceful, {
      get isClosing() {
        return state.closing.aborted
      },
      drain: () => this.drain(),
      close: options => this.close(options),
      serving: () => this.#cutOff ?? serving(state)
    })
  }

  /** The public key as people write it: what to tell others. */
  get id52(): string {
    return this.publicKey.id52
  }

  /**
   * Where this endpoint can be reached, as far as is known now. It is a {@link Peer} for others.
   *
   * @throws {FastnNetError} `ERR_CLOSED`.
   */
  address(): EndpointAddress {
    this.#state.checkOpen('address')
    const address = native().endpointAddress(this.#state.handle)
    if (address === null) throw lastFailure({ phase: 'address' })
    return address
  }

  /**
   * The address as one text, which is a {@link Peer} for others. Where relays are on it waits until one is connected. When the relay
   * refuses this endpoint, it waits no longer: the ticket has addresses only, and the process is warned once (`ERR_RELAY`).
   *
   * @param options `timeout`: for that wait; what is known by then is given. Default: 5 s.
   * @throws {FastnNetError} `ERR_CLOSED`, `ERR_INVALID_ARGUMENT`.
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
   * Opens a stream to a peer, over the one connection with it: dials, or shares a dial that is under way, again and again with
   * growing delays ({@link ConnectOptions}) until the peer is there or the time is over. A peer that restarted with its key is
   * reached anew, also at another address that it was given or last seen at. What the peer has certainly not seen is sent again
   * unseen; what it may have seen fails with `ERR_CONNECTION_LOST`. The message of `ERR_UNREACHABLE` says what was tried.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`; `ERR_UNREACHABLE`, `ERR_CONNECTION_LOST`,
   * `ERR_ACK_TIMEOUT`; when the peer refuses, `ERR_PROTOCOL_UNSUPPORTED`, `ERR_UNAUTHORIZED`, `ERR_BUSY`, `ERR_SHUTTING_DOWN`,
   * `ERR_TOO_MANY_STREAMS`, `ERR_HEADER_TOO_LARGE`, `ERR_HEADER_TIMEOUT`, `ERR_HEADER_INVALID` or `ERR_REFUSED` with the peer's
   * `remoteCode`; `ERR_STREAM_RESET` with `errorCode` when its handler failed at once; `ERR_CLOSED`.
   */
  getStream(peer: Peer, protocol: ProtocolInput, options: OpenOptions = {}): Promise<PeerStream> {
    try {
      checkOptions(options, openNames)
      const known = knownPeer(this.#state, peer)
      const core = openNow(this.#state, known, protocol, options)
      if (core !== undefined) return Promise.resolve(streamOf(core))
      return openStream(this.#state, known, protocol, options, streamOf)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Streams of these protocols from all peers, for a loop of one's own: handle each without awaiting it there, or it holds up
   * the next. {@link listen} does that by itself.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` when another listener has one of them; `ERR_SHUTTING_DOWN`; `ERR_CLOSED`;
   * `ERR_INVALID_ARGUMENT`.
   */
  acceptBi(protocols: ProtocolInput | readonly ProtocolInput[], options: CancelOptions = {}): IncomingStreams {
    return incomingStreamsOf(this.#state, { protocols: listOf(protocols), fallback: false }, signalOf(options))
  }

  /**
   * Hands each incoming stream to its protocol's handler, all of them concurrently. Resolves when the signal, {@link drain} or
   * {@link close} ends it; handlers that run may end first: after a signal for at most the endpoint's `closeTimeout`, after
   * {@link drain} and in the shutdown of the endpoint's own {@link Graceful}, which waits for them, until the endpoint is closed.
   *
   * Keeps the process alive while the endpoint is referenced.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` when another listener has one of them; `ERR_SHUTTING_DOWN`; `ERR_CLOSED`;
   * `ERR_INVALID_ARGUMENT`.
   */
  async listen(handlers: StreamHandlers, options?: ListenOptions): Promise<void> {
    const listening = listen(this.#state, handlers, options)
    // A shutdown closes the endpoint: the handlers that run may end before that.
    await (this.#shutdown?.listening(listening) ?? listening)
  }

  /**
   * Connections that peers make, one level below streams; one loop at a time. Streams that a peer opens before
   * {@link Connection.acceptBi} says who takes them go to the endpoint's listeners. Those that no listener serves wait until a second
   * after the loop gave the connection, and are refused then.
   *
   * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` when another loop takes them; `ERR_SHUTTING_DOWN`; `ERR_CLOSED`;
   * `ERR_INVALID_ARGUMENT`.
   */
  accept(options: CancelOptions = {}): IncomingConnections {
    return incomingConnectionsOf(this.#state, signalOf(options))
  }

  /**
   * The connection with a peer, dialled if there is none. A peer may say that it does not let this key in only after this has
   * resolved: then `closed` tells code 0x104, and opening a stream fails with `ERR_UNAUTHORIZED`.
   *
   * Streams that the peer opens on a new connection, and that nothing serves yet, wait for a second until something does.
   *
   * @param options `timeout`: default the endpoint's `openTimeout`, 30 s.
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`; `ERR_UNREACHABLE`; `ERR_UNAUTHORIZED`; `ERR_BUSY` when the
   * peer takes no further connection; `ERR_PROTOCOL_UNSUPPORTED` when it speaks nothing of this library; `ERR_CLOSED`.
   */
  async connect(peer: Peer, options: TimeoutOptions = {}): Promise<Connection> {
    const timeout = timeoutOf(options, this.#state.options.openTimeout)
    throwIfAborted(options.signal)
    const { handle, id52 } = knownPeer(this.#state, peer)
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
   * Round-trip time to a peer in milliseconds, measured by a ping, which each peer answers without asking its program.
   *
   * @throws {FastnNetError} as {@link connect}; `ERR_PING` when the answer is wrong or does not come within `pingTimeout`.
   */
  async ping(peer: Peer, options: CancelOptions = {}): Promise<number> {
    throwIfAborted(signalOf(options))
    const { handle, id52 } = knownPeer(this.#state, peer)
    const { number } = await outcomeOf(
      native().peerPing(handle, this.#state.options.openTimeout),
      { peer: id52, phase: 'ping' },
      options.signal
    )
    return number as number
  }

  /**
   * How it stands with every peer that this endpoint knows, ordered by ID52: those it was told of or has heard of, until nothing
   * is wanted of them for `idleTimeout`. A snapshot; {@link watch} tells of changes. None once the endpoint is closed.
   *
   * @throws {FastnNetError} `ERR_CLOSED` where the addon has let it go.
   */
  peers(): readonly PeerInfo[] {
    const peers = native().endpointPeers(this.#state.handle)
    if (peers === null) throw lastFailure({ phase: 'peers' })
    return peers.map(peerInfo)
  }

  /**
   * How it stands with every known peer, and then each peer whose state, connections or paths (opened, closed, selected) changed:
   * no call of {@link peers} is needed before. Bytes, streams and round-trip times are as they are when a change is given, and are
   * no change by themselves. A peer that the endpoint lets go is given once more, with `known: false`.
   *
   * It does not grow: whoever reads slowly gets each peer that changed once, as it is by then. Several may watch at once. The
   * signal and {@link close} end it, nothing is thrown then. Waiting does not keep the process alive.
   *
   * @throws {FastnNetError} `ERR_CLOSED`, `ERR_INVALID_ARGUMENT`.
   */
  watch(options: CancelOptions = {}): PeerChanges {
    return peerChangesOf(this.#state, signalOf(options))
  }

  /**
   * What this endpoint has counted so far, for Prometheus: its text format, version 0.0.4, to be served as
   * `text/plain; version=0.0.4`. docs/metrics.md lists the metrics. Bounded: no label's value comes from a peer.
   *
   * Once the endpoint is closed it gives the last figures.
   *
   * @throws {FastnNetError} `ERR_CLOSED` where the addon has let it go.
   */
  metrics(): string {
    const text = native().endpointMetrics(this.#state.handle)
    if (text === null) throw lastFailure({ phase: 'metrics' })
    return text
  }

  /**
   * Keeps a peer connected: dials it now, and again whenever the connection is lost, with the delays of {@link ConnectOptions}
   * and without end. The connection is not closed for idleness meanwhile. A peer that refuses this key is asked again only when
   * a call wants it, or a new address of it is given.
   *
   * Never fails later. Does not keep the process alive. Dispose what it gives, or abort the signal, to end it.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`, `ERR_CLOSED`, `ERR_INVALID_ARGUMENT`.
   */
  keep(peer: Peer, options: CancelOptions = {}): KeptPeer {
    throwIfAborted(signalOf(options))
    return keep(knownPeer(this.#state, peer), options.signal)
  }

  /**
   * Takes nothing new from peers: their new streams are refused, which they see as `ERR_SHUTTING_DOWN`, and so are new connections.
   * Listeners and loops end once they have given out what was acknowledged before. Streams that are open go on, and so do
   * {@link getStream}, {@link connect} and {@link ping}: whatever is being worked on can be brought to its end before {@link close}.
   * Does nothing the second time, and cannot be undone.
   */
  drain(): void {
    this.#state.drain()
  }

  /**
   * Closes the endpoint: listeners end, streams that were finished are delivered first, all others are lost, and peers see a
   * close (shutdown). Afterwards its ports can be bound again. Callers at the same time share it; closing again does nothing. Keeps
   * the process alive.
   *
   * May be awaited in a handler: closing does not wait for handlers. The handler's own stream is cut off like the others, unless it
   * was finished before. Returning afterwards is no failure.
   *
   * @param options `timeout`: for the delivery of what was finished; default the endpoint's `closeTimeout`, 5 s. A connected
   * peer that became silent can take some round trips more. The signal ends the wait, not the closing.
   * @returns how many finished streams their peers had not acknowledged in time.
   */
  async close(options: TimeoutOptions = {}): Promise<number> {
    const timeout = timeoutOf(options, this.#state.options.closeTimeout)
    throwIfAborted(options.signal)
    this.#closed ??= this.#close(timeout)
    return await whileWanted(this.#closed, options.signal)
  }

  /** A signal must not reach it: cancelled before it has begun, the native operation closes nothing. */
  async #close(timeout: number): Promise<number> {
    const { handle } = this.#state
    closingBeforeExit(handle)
    if (this.#shutdown !== undefined) this.#cutOff = serving(this.#state)
    this.#state.beginClosing()
    const { number } = await outcomeOf(native().endpointClose(handle, timeout), { phase: 'close' })
    forgetAtExit(handle)
    this.#state.forgetPeers()
    await outcomeOf(native().endpointFreed(handle), { phase: 'close' })
    // Not before: a shutdown meanwhile waits for this closing.
    this.#shutdown?.leave()
    return number as number
  }

  /** Listening keeps the process alive again. */
  ref(): this {
    this.#state.ref()
    return this
  }

  /** Listening, now and later, does not keep the process alive. Calls that wait for an answer do. */
  unref(): this {
    this.#state.unref()
    return this
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  static {
    endpointOf = (state, publicKey, graceful) => new Endpoint(internal, state, publicKey, graceful)
    inspectAs(this, self => `Endpoint(${self.id52})`)
  }
}

function timeoutOf(options: TimeoutOptions, otherwise: number): number {
  const { timeout } = checkOptions(options, timeoutNames)
  return timeout === undefined ? otherwise : timeLimit(timeout, 'options.timeout')
}

function serving({ handle, served, activeListens }: EndpointState): Serving {
  const streams = native().endpointServing(handle)
  const protocols = streams.flatMap(stream => served?.get(wakeWord(stream, 0)) ?? [])
  return { listening: activeListens, streams: streams.length + native().endpointQueued(handle), protocols }
}

/**
 * The endpoint's own idea of a peer.
 *
 * @throws {FastnNetError} `ERR_PEER_ADDRESS` for what is no peer.
 */
function knownPeer(endpoint: EndpointState, peer: Peer): KnownPeer {
  if (typeof peer === 'string') return endpoint.known(peer) ?? endpoint.learn(peer, parsePeer(peer))
  const seen = endpoint.seen(peer)
  if (seen !== undefined) return seen
  const address = addressOf(peer, 'peer')
  // Addresses are passed on whenever they are not those of the last time: they may be new.
  const known = address.addresses.length + address.relays.length === 0 ? endpoint.known(address.id52) : undefined
  return endpoint.remember(peer, known ?? endpoint.learn(address.id52, address))
}
