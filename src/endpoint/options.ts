import { idsOf, type Peer } from '../keys/peer.js'
import type { BindingEndpointOptions, BindingGuardOptions } from '../native/binding-types.js'
import { defaults, type EndpointSettings } from '../settings.js'
import { type ConnectOptions, connectNames } from '../types.js'
import {
  checkOptions,
  count,
  delay,
  invalid,
  type OptionNames,
  oneOf,
  optional,
  positive,
  timeLimit
} from '../util/validate.js'
import { type Authorize, authorizeNames } from './authorizer.js'
import type { Graceful } from './graceful.js'
import { type Network, resolveNetwork } from './network.js'

/**
 * How an endpoint behaves. Every field has a default; times are milliseconds, sizes are bytes. Of a time-out a fraction is rounded up,
 * 0 means at once, and `Infinity` means none.
 */
export interface EndpointOptions {
  /** Where peers are found. Default: the environment's `FASTN_NET_NETWORK` (`internet`, `lan` or `loopback`), else `'internet'`. */
  network?: Network | undefined
  /** Ends this endpoint well in its shutdown: see {@link Graceful.shutdown}. */
  graceful?: Graceful | undefined
  /**
   * At `process.exit()`, after an uncaught exception and wherever else the process or thread emits `exit`, tells the peers, so
   * that they see a close (shutdown) and no time-out. What was finished just before has half of that time to arrive. It blocks
   * until that is done, 100 ms at most for all endpoints together. Default: false: peers learn of it when their connection times out.
   */
  closeOnExit?: boolean | undefined
  /** Ends the wait for {@link getEndpoint}; nothing stays bound. */
  signal?: AbortSignal | undefined
  /** Also speak `/kulfi/identity/0.1`, for malai and kulfi peers. Default: false. */
  kulfi?: boolean | undefined
  /** Only these peers may connect and use what is listened for; {@link Endpoint.access} changes it. Default: everyone. */
  allow?: readonly Peer[] | undefined
  /** These may not, even if they are allowed; {@link Endpoint.access} changes it. Default: nobody. */
  deny?: readonly Peer[] | undefined
  /** Asked before a peer may connect, and before it may open a stream. Default: whoever the lists let in may. */
  authorize?: Authorize | undefined
  /** `getStream`, `connect` and `ping` over all attempts, then `ERR_UNREACHABLE`. Default: 30 s. */
  openTimeout?: number | undefined
  /** How a peer is dialled again and again until it is reached. */
  connect?: ConnectOptions | undefined
  /** From a header that was sent to the peer's ack, also with `ack: 'later'`, then `ERR_ACK_TIMEOUT`. Default: 10 s. */
  ackTimeout?: number | undefined
  /** A ping's answer. Default: 5 s. */
  pingTimeout?: number | undefined
  /** How long an incoming stream may take to send its header. Default: 10 s. */
  headerTimeout?: number | undefined
  /** `close()`, the acknowledgement of what was finished included. Default: 5 s. */
  closeTimeout?: number | undefined
  /**
   * A connection without stream, request or held view is closed after this, by the side that dialled it, unless the peer is kept
   * ({@link Endpoint.keep}). Default: 60 s.
   */
  idleTimeout?: number | undefined
  /** Longest header of an incoming stream. Default: 64 KiB. */
  maxHeaderBytes?: number | undefined
  /** Longest line that `nextString`, `nextJson` and `lines` give. Default: 1 MiB. */
  maxLineBytes?: number | undefined
  /**
   * Bytes that a peer may send on one connection before this side reads them. Each stream takes at most 1.25 MB of it. A connection
   * that holds more than 12 streams gets 1.43 MB more for each further one, so that unread streams leave room for the others. It
   * keeps what it got until it ends. The bound is `receiveWindowPerPeer`.
   *
   * Once unread data fills the window, the peer cannot send anything more on the connection. Its new streams fail with
   * `ERR_ACK_TIMEOUT` and its pings with `ERR_PING`, until this side reads or stops streams. Its acks do not arrive either, so
   * streams and pings from this side fail too. Below 16 MiB, fewer than 12 unread streams are enough for that.
   * Default: 16 MiB.
   */
  receiveWindow?: number | undefined
  /**
   * The same of all connections of one peer together, of which each may have 64 KiB more. Those that a peer makes when its others
   * have it all get that alone, until one of them ends. A connection with many streams leaves one `receiveWindow` of it for a new
   * connection: with the defaults, streams that are read flow on beside 35 full unread ones. Default: 64 MiB, or `receiveWindow` if that is more.
   */
  receiveWindowPerPeer?: number | undefined
  /** Streams that a peer may have open at once on one connection. Default: 1,024. */
  maxStreams?: number | undefined
  /**
   * Streams that a peer may have open at once on all its connections, once their headers are there; above, `ERR_TOO_MANY_STREAMS`.
   * Default: 8,192, or `maxStreams` if that is more.
   */
  maxStreamsPerPeer?: number | undefined
  /** The same of all peers together; above, `ERR_BUSY`. Default: 262,144, or `maxStreamsPerPeer` if that is more. */
  maxStreamsTotal?: number | undefined
  /** How many streams a peer may open in a second, in the long run; above, `ERR_BUSY`. Pings do not count. Default: no bound. */
  streamsPerSecond?: number | undefined
  /** How many of them at once. Default: as many as in a second. */
  streamsBurst?: number | undefined
  /**
   * Connections of all peers together; above, `ERR_BUSY`. Those that are being made have bounds of their own. As many peers are
   * remembered, and the quietest are forgotten first. Default: 10,000.
   */
  maxConnections?: number | undefined
  /** Connections of one peer. Default: 64. */
  maxConnectionsPerPeer?: number | undefined
  /** Acknowledged streams that wait for one listener. Default: 1,024. */
  maxQueuedStreams?: number | undefined
  /** The share of one peer in them. Default: 256. */
  maxQueuedStreamsPerPeer?: number | undefined
}

/** The names of {@link EndpointOptions}. */
const endpointNames: OptionNames<EndpointOptions> = {
  network: true,
  graceful: true,
  closeOnExit: true,
  signal: true,
  kulfi: true,
  allow: true,
  deny: true,
  authorize: true,
  openTimeout: true,
  connect: true,
  ackTimeout: true,
  pingTimeout: true,
  headerTimeout: true,
  closeTimeout: true,
  idleTimeout: true,
  maxHeaderBytes: true,
  maxLineBytes: true,
  receiveWindow: true,
  receiveWindowPerPeer: true,
  maxStreams: true,
  maxStreamsPerPeer: true,
  maxStreamsTotal: true,
  streamsPerSecond: true,
  streamsBurst: true,
  maxConnections: true,
  maxConnectionsPerPeer: true,
  maxQueuedStreams: true,
  maxQueuedStreamsPerPeer: true
}

/** Options with nothing left open. */
export interface ResolvedOptions extends EndpointSettings {
  readonly closeOnExit: boolean
  readonly binding: BindingEndpointOptions
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, its message naming the field.
 */
export function resolveOptions(options: EndpointOptions): ResolvedOptions {
  checkOptions(options, endpointNames)
  const number = (name: Exclude<keyof EndpointOptions & keyof typeof defaults, 'authorize' | 'connect'>) =>
    positive(given(options[name], defaults[name]), `options.${name}`)
  const time = (name: `${'ack' | 'header' | 'ping' | 'idle' | 'open' | 'close'}Timeout`) =>
    timeLimit(given(options[name], defaults[name]), `options.${name}`)
  const { network = networkOfEnvironment() } = options
  return {
    binding: {
      ...resolveNetwork(network),
      kulfi: optional('boolean', options.kulfi, 'options.kulfi') ?? false,
      ...resolveConnect(options.connect),
      ackTimeout: time('ackTimeout'),
      headerTimeout: time('headerTimeout'),
      maxHeaderBytes: number('maxHeaderBytes'),
      pingTimeout: time('pingTimeout'),
      idleTimeout: time('idleTimeout'),
      bidiStreams: number('maxStreams'),
      receiveWindow: number('receiveWindow'),
      receiveWindowPerPeer: positive(
        given(options.receiveWindowPerPeer, Math.max(defaults.receiveWindowPerPeer, number('receiveWindow'))),
        'options.receiveWindowPerPeer'
      ),
      maxConnections: number('maxConnections'),
      maxConnectionsPerPeer: number('maxConnectionsPerPeer'),
      guard: resolveGuard(options),
      maxQueuedStreams: number('maxQueuedStreams'),
      maxQueuedStreamsPerPeer: number('maxQueuedStreamsPerPeer')
    },
    closeOnExit: optional('boolean', options.closeOnExit, 'options.closeOnExit') ?? false,
    openTimeout: time('openTimeout'),
    ackTimeout: time('ackTimeout'),
    closeTimeout: time('closeTimeout'),
    maxLineBytes: number('maxLineBytes')
  }
}

function resolveConnect(options: ConnectOptions = {}) {
  checkOptions(options, connectNames, 'options.connect')
  const time = (name: keyof typeof defaults.connect, read = delay) =>
    read(given(options[name], defaults.connect[name]), `options.connect.${name}`)
  const [minDelay, maxDelay] = [time('minDelay'), time('maxDelay')]
  const both = options.minDelay !== undefined && options.maxDelay !== undefined
  if (both && minDelay > maxDelay) throw invalid('options.connect.minDelay', 'at most options.connect.maxDelay')
  return {
    connectRetries: options.retries === undefined ? null : count(options.retries, 'options.connect.retries'),
    // A default gives way to the one that is given.
    connectMinDelay: options.minDelay === undefined ? Math.min(minDelay, maxDelay) : minDelay,
    connectMaxDelay: options.maxDelay === undefined ? Math.max(minDelay, maxDelay) : maxDelay,
    connectAttemptTimeout: time('attemptTimeout', timeLimit)
  }
}

/** `null` is not absent: it must not mean the default. */
function given<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value
}

function resolveGuard(options: EndpointOptions): BindingGuardOptions {
  const { authorize = {}, allow, deny = [], streamsPerSecond, streamsBurst } = options
  checkOptions(authorize, authorizeNames, 'options.authorize')
  for (const name of ['peer', 'stream', 'onError'] as const) {
    if (authorize[name] !== undefined && typeof authorize[name] !== 'function')
      throw invalid(`options.authorize.${name}`, 'a function')
  }
  const number = (name: keyof typeof defaults.authorize, read = positive) =>
    read(given(authorize[name], defaults.authorize[name]), `options.authorize.${name}`)
  const most = (name: 'maxStreams' | 'maxStreamsPerPeer' | 'maxStreamsTotal', least = 0) =>
    positive(given(options[name], Math.max(defaults[name], least)), `options.${name}`)
  const maxStreamsPerPeer = most('maxStreamsPerPeer', most('maxStreams'))
  const perSecond = streamsPerSecond === undefined ? null : positive(streamsPerSecond, 'options.streamsPerSecond')
  if (streamsBurst !== undefined && perSecond === null)
    throw invalid('options.streamsBurst', 'given with streamsPerSecond')
  return {
    access: { allow: allow === undefined ? null : idsOf(allow, 'options.allow'), deny: idsOf(deny, 'options.deny') },
    authorizePeer: authorize.peer !== undefined,
    authorizeStream: authorize.stream !== undefined,
    authorizeTimeout: number('timeout', timeLimit),
    authorizeMaxPending: number('maxPending'),
    authorizeMaxPendingPerPeer: number('maxPendingPerPeer'),
    maxStreamsPerPeer,
    maxStreamsTotal: most('maxStreamsTotal', maxStreamsPerPeer),
    streamsPerSecond: perSecond,
    streamsBurst: streamsBurst === undefined ? (perSecond ?? 1) : positive(streamsBurst, 'options.streamsBurst')
  }
}

function networkOfEnvironment(): 'internet' | 'lan' | 'loopback' {
  const network = process.env.FASTN_NET_NETWORK
  return network ? oneOf(['internet', 'lan', 'loopback'], network, 'FASTN_NET_NETWORK') : 'internet'
}
