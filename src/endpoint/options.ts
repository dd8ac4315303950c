import { idsOfAll, type Peers } from '../keys/peer.js'
import { native } from '../native/addon.js'
import type {
  BindingEndpointOptions,
  BindingGuardOptions,
  BindingOptions,
  BindingPolicy
} from '../native/binding-types.js'
import { type EndpointSettings, endpointDefaults } from '../settings.js'
import { type ConnectOptions, connectNames } from '../types.js'
import {
  checkOptions,
  count,
  delay,
  invalid,
  namesOf,
  type OptionNames,
  oneOf,
  optional,
  positive,
  timeLimit,
  valuesOf
} from '../util/validate.js'
import { type Authorize, authorizeNames } from './authorize.js'
import type { Graceful } from './graceful.js'
import type { GracefulOptions } from './graceful-options.js'
import { type Network, resolveNetwork } from './network.js'
import { type Policy, resolvePolicy } from './policy.js'

/**
 * Options of {@link getEndpoint} and {@link createEndpoint}: a plain object. All are optional. Times are in milliseconds, sizes in bytes. Timeouts: fractions are rounded up,
 * 0 means immediately, `Infinity` means none.
 */
export interface EndpointOptions {
  /**
   * Network to discover peers on. Default: the environment variable `FASTN_NET_NETWORK` (`internet`, `lan` or `loopback`), else
   * `'internet'`.
   */
  network?: Network | undefined
  /**
   * Shuts down gracefully at Ctrl-C (SIGINT) and SIGTERM: running handlers finish, for up to 4 s, then peers
   * are notified. Or:
   *
   * - options of {@link Graceful}, such as `{ timeout: 60_000 }`: the same two signals, unless `signals` says otherwise
   * - a {@link Graceful}, which several endpoints and other work may share: the endpoint closes in its shutdown
   *
   * Default: false. A signal then has its default action: the process ends, and peers notice after up to 30 s.
   */
  graceful?: boolean | GracefulOptions | Graceful | undefined
  /**
   * Notify peers when the process or thread emits `exit`: at `process.exit()`, after an uncaught exception, and so on. Peers then see
   * a close instead of a timeout. Blocks for 100 ms at most, for all endpoints together; finished streams have half of that to arrive.
   * Default: false. Peers notice when the connection times out.
   */
  closeOnExit?: boolean | undefined
  /** Cancels {@link getEndpoint}. It rejects with the signal's reason, and no port stays bound. */
  signal?: AbortSignal | undefined
  /** Also speak `/kulfi/identity/0.1` with malai and kulfi peers, and be found by them where mDNS is on. Default: false. */
  kulfi?: boolean | undefined
  /**
   * Peers that may connect and use this endpoint's listeners: an array, a `Set`, or another iterable. To change it later:
   * {@link Endpoint.access}. Default: all peers.
   */
  allow?: Peers | undefined
  /** Peers that may not, even if `allow` lists them. To change it later: {@link Endpoint.access}. Default: none. */
  deny?: Peers | undefined
  /**
   * Which peers may use which protocols and services, in addition to `allow` and `deny`. To change it later: {@link Access.setPolicy}.
   * Default: none. Every peer may use every protocol that this endpoint listens for.
   */
  policy?: Policy | undefined
  /** Callbacks that authorize each connection and each stream. Default: none. Every peer that the lists admit is authorized. */
  authorize?: Authorize | undefined
  /** Timeout of `getStream`, `connect` and `ping`, over all attempts; then `ERR_UNREACHABLE`. Default: 30 s. */
  openTimeout?: number | undefined
  /** Retry policy of dials. */
  connect?: ConnectOptions | undefined
  /** Timeout from sending a header to the peer's ack, also with `ack: 'later'`; then `ERR_ACK_TIMEOUT`. Default: 10 s. */
  ackTimeout?: number | undefined
  /**
   * Timeout of a ping's answer; then `ERR_PING`. Also of the pings that check an idle connection. While a call waits, theirs is 3 s.
   * Default: 5 s.
   */
  pingTimeout?: number | undefined
  /** Timeout of an incoming stream's header. Default: 10 s. */
  headerTimeout?: number | undefined
  /** Timeout of `close()`, including the delivery of finished streams. Default: 5 s. */
  closeTimeout?: number | undefined
  /**
   * Idle timeout of connections without an open stream, a pending call or a held {@link Connection}. The dialler closes them, unless
   * {@link Endpoint.keep} is active. Default: 60 s.
   */
  idleTimeout?: number | undefined
  /** Longest header of an incoming stream. Default: 64 KiB. */
  maxHeaderBytes?: number | undefined
  /** Longest line that `nextString`, `nextJson` and `lines` return. Default: 1 MiB. */
  maxLineBytes?: number | undefined
  /**
   * Receive window of a connection: unread bytes that the peer may send. One stream uses at most 1.25 MB of it. For each open stream
   * beyond 12, the window grows by 1.43 MB, so that unread streams leave room for others. It never shrinks. `receiveWindowPerPeer`
   * bounds it.
   *
   * When unread data fills the window, nothing more arrives on the connection until this side reads or stops streams. New streams fail
   * with `ERR_ACK_TIMEOUT` and pings with `ERR_PING`, in both directions. Below 16 MiB, fewer than 12 unread streams suffice for that.
   *
   * Default: 16 MiB.
   */
  receiveWindow?: number | undefined
  /**
   * Receive window shared by a peer's connections, each of which has 64 KiB in addition. Once it is used up, new connections get only
   * those 64 KiB until another one closes. The growth of a connection leaves one `receiveWindow` for a new connection. With the
   * defaults, streams flow beside up to 35 full unread ones. Default: 64 MiB, or `receiveWindow` if that is more.
   */
  receiveWindowPerPeer?: number | undefined
  /** Concurrent incoming streams per connection. Default: 1,024. */
  maxStreams?: number | undefined
  /**
   * Concurrent incoming streams per peer, counted from their header on. More get `ERR_TOO_MANY_STREAMS`.
   * Default: 8,192, or `maxStreams` if that is more.
   */
  maxStreamsPerPeer?: number | undefined
  /** Concurrent incoming streams of all peers. More get `ERR_BUSY`. Default: 262,144, or `maxStreamsPerPeer` if that is more. */
  maxStreamsTotal?: number | undefined
  /** Sustained rate of incoming streams per peer. More get `ERR_BUSY`. Pings do not count. Default: unlimited. */
  streamsPerSecond?: number | undefined
  /** Burst size of that rate: streams per peer at once. Default: `streamsPerSecond`. */
  streamsBurst?: number | undefined
  /**
   * Connections of all peers. More get `ERR_BUSY`. Handshakes have separate bounds. Also bounds the tracked peers, of which the least
   * recently active is forgotten first. Default: 10,000.
   */
  maxConnections?: number | undefined
  /** Connections per peer. More get `ERR_BUSY`. Default: 64. */
  maxConnectionsPerPeer?: number | undefined
  /** Acknowledged streams in the queue of one listener. Default: 1,024. */
  maxQueuedStreams?: number | undefined
  /** Acknowledged streams per peer in the queue of one listener. Default: 256. */
  maxQueuedStreamsPerPeer?: number | undefined
}

/** Limits that the core obeys, with their checks. The core has their defaults: `crates/fastn-net/src/config/limits.rs`. */
const coreLimits = {
  ackTimeout: timeLimit,
  headerTimeout: timeLimit,
  maxHeaderBytes: positive,
  pingTimeout: timeLimit,
  idleTimeout: timeLimit,
  maxStreams: positive,
  maxStreamsPerPeer: positive,
  maxStreamsTotal: positive,
  receiveWindow: positive,
  receiveWindowPerPeer: positive,
  maxConnections: positive,
  maxConnectionsPerPeer: positive,
  maxQueuedStreams: positive,
  maxQueuedStreamsPerPeer: positive
}

// The same of the options within `connect` and `authorize`.
const connectChecks = { retries: count, minDelay: delay, maxDelay: delay, attemptTimeout: timeLimit }
const authorizeChecks = { timeout: timeLimit, maxPending: positive, maxPendingPerPeer: positive }

/** Limits that TypeScript obeys, with their checks. `settings.ts` has their defaults. */
const ownLimits = { openTimeout: timeLimit, closeTimeout: timeLimit, maxLineBytes: positive }

type LimitName = keyof typeof coreLimits | keyof typeof ownLimits

type LimitDefaults = Readonly<Record<LimitName, number>>

/** The default of each limit, from the core or `settings.ts`. */
export function limitDefaults(): Readonly<Record<string, number>> {
  return { ...native().optionDefaults().limits, ...endpointDefaults }
}

/** The default of a limit is at least the value of this other one. */
const lowerBounds: { readonly [Name in LimitName]?: LimitName } = {
  maxStreamsPerPeer: 'maxStreams',
  maxStreamsTotal: 'maxStreamsPerPeer',
  receiveWindowPerPeer: 'receiveWindow'
}

/** Names of {@link EndpointOptions}. */
export const endpointNames: OptionNames<EndpointOptions> = {
  network: true,
  graceful: true,
  closeOnExit: true,
  signal: true,
  kulfi: true,
  allow: true,
  deny: true,
  policy: true,
  authorize: true,
  connect: true,
  streamsPerSecond: true,
  streamsBurst: true,
  ...namesOf({ ...coreLimits, ...ownLimits })
}

/** Checked options with defaults filled in. */
export interface ResolvedOptions extends EndpointSettings {
  readonly closeOnExit: boolean
  readonly binding: BindingEndpointOptions
  readonly policy: BindingPolicy | undefined
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; the message names the option.
 */
export function resolveOptions(options: EndpointOptions): ResolvedOptions {
  checkOptions(options, endpointNames)
  const { network = networkOfEnvironment() } = options
  const values = limitDefaults() as LimitDefaults
  return {
    binding: {
      ...resolveNetwork(network),
      kulfi: optional('boolean', options.kulfi, 'options.kulfi') ?? false,
      connect: resolveConnect(options.connect),
      limits: resolveLimits(options, coreLimits, values),
      guard: resolveGuard(options)
    },
    policy: options.policy === undefined ? undefined : resolvePolicy(options.policy, 'options.policy'),
    closeOnExit: optional('boolean', options.closeOnExit, 'options.closeOnExit') ?? false,
    ...resolveLimits(options, ownLimits, values)
  }
}

function resolveLimits<Name extends LimitName>(
  options: EndpointOptions,
  checks: Record<Name, typeof positive>,
  values: LimitDefaults
): Record<Name, number> {
  const names = Object.keys(checks) as Name[]
  const read = (name: Name) =>
    checks[name](orDefault(options[name], defaultLimit(options, name, values)), `options.${name}`)
  return Object.fromEntries(names.map(name => [name, read(name)])) as Record<Name, number>
}

function defaultLimit(options: EndpointOptions, name: LimitName, values: LimitDefaults): number {
  const other = lowerBounds[name]
  if (other === undefined) return values[name]
  return Math.max(values[name], orDefault(options[other], defaultLimit(options, other, values)))
}

function resolveConnect(options: ConnectOptions = {}): BindingOptions {
  checkOptions(options, connectNames, 'options.connect')
  const values = valuesOf(options, connectChecks, 'options.connect')
  const all = { ...native().optionDefaults().connect, ...values }
  const { minDelay, maxDelay } = all as Record<keyof typeof connectChecks, number>
  if (minDelay <= maxDelay) return values
  // A default yields to an explicit value: minDelay must not exceed maxDelay.
  if (values.minDelay === undefined) return { ...values, minDelay: maxDelay }
  if (values.maxDelay === undefined) return { ...values, maxDelay: minDelay }
  throw invalid('options.connect.minDelay', 'at most options.connect.maxDelay')
}

/** Unlike `??`, passes `null` on, so that a check rejects it. */
function orDefault<T>(value: T | undefined, defaultValue: T): T {
  return value === undefined ? defaultValue : value
}

function resolveGuard(options: EndpointOptions): BindingGuardOptions {
  const { authorize = {}, allow, deny = [], streamsPerSecond, streamsBurst } = options
  checkOptions(authorize, authorizeNames, 'options.authorize')
  for (const name of ['peer', 'stream', 'onError'] as const) {
    if (authorize[name] !== undefined && typeof authorize[name] !== 'function')
      throw invalid(`options.authorize.${name}`, 'a function')
  }
  const perSecond = streamsPerSecond === undefined ? null : positive(streamsPerSecond, 'options.streamsPerSecond')
  if (streamsBurst !== undefined && perSecond === null)
    throw invalid('options.streamsBurst', 'given with streamsPerSecond')
  return {
    access: {
      allow: allow === undefined ? null : idsOfAll(allow, 'options.allow'),
      deny: idsOfAll(deny, 'options.deny')
    },
    authorize: {
      peer: authorize.peer !== undefined,
      stream: authorize.stream !== undefined,
      ...valuesOf(authorize, authorizeChecks, 'options.authorize')
    },
    streamsPerSecond: perSecond,
    streamsBurst: streamsBurst === undefined ? (perSecond ?? 1) : positive(streamsBurst, 'options.streamsBurst')
  }
}

function networkOfEnvironment(): 'internet' | 'lan' | 'loopback' {
  const network = process.env.FASTN_NET_NETWORK
  return network ? oneOf(['internet', 'lan', 'loopback'], network, 'FASTN_NET_NETWORK') : 'internet'
}
