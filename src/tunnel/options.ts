import { idsOfAll, type Peer, type Peers } from '../keys/peer.js'
import type { BindingExposeOptions, BindingOptions } from '../native/binding-types.js'
import type { CancelOptions } from '../types.js'
import {
  checkOptions,
  invalid,
  kindOf,
  namesOf,
  type OptionNames,
  optional,
  positive,
  stringArray,
  text,
  timeLimit,
  valuesOf
} from '../util/validate.js'

/** Options of every exposed service. */
export interface ExposedServiceOptions extends CancelOptions {
  /**
   * Peers that may use the service, or `'public'` for every peer that the endpoint admits. Peers are matched by key only. Checked for each
   * connection, in addition to {@link Endpoint.access} and `authorize`.
   */
  allow: Peers | 'public'
  /**
   * Name of the service, of at most 255 bytes. An endpoint exposes one TCP service without a name, and any number with one. Older peers
   * reach only the one without. Default: none.
   */
  service?: string | undefined
}

/** Options of {@link Endpoint.exposeTcp}. */
export interface ExposeOptions extends ExposedServiceOptions {
  /** Connect timeout of the target, in milliseconds. Default: 9 s, below the peer's `ackTimeout`. */
  connectTimeout?: number | undefined
}

/** Options of {@link Endpoint.bridgeTcp}. */
export interface BridgeOptions extends CancelOptions {
  /** The peer that exposes the service. */
  peer: Peer
  /** Name of the service, as the peer exposes it. Default: none. */
  service?: string | undefined
  /** Local port; 0 picks a free one. Default: 0. */
  port?: number | undefined
  /** Local address or name. Any program that can reach it can use the service. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Path of a Unix socket, instead of `host` and `port`. Not on Windows. Default: none. */
  path?: string | undefined
  /** Maximum local connections. Further ones wait to be accepted. Default: 4096. */
  maxConnections?: number | undefined
  /** Timeout for reaching the peer, in milliseconds, per connection. Default: the endpoint's `openTimeout`, 30 s. */
  openTimeout?: number | undefined
}

/** Options of {@link Endpoint.exposeUdp}. */
export interface ExposeUdpOptions extends ExposedServiceOptions {
  /** How long a flow may carry no datagram, in milliseconds. Default: 60 s. */
  flowTimeout?: number | undefined
}

/** Options of {@link Endpoint.bridgeUdp}. */
export interface BridgeUdpOptions extends Omit<BridgeOptions, 'path' | 'maxConnections'> {
  /** Maximum flows, one per client address. Datagrams of further clients are dropped. Default: 4096. */
  maxFlows?: number | undefined
  /** How long a flow may carry no datagram, in milliseconds. Default: 60 s. */
  flowTimeout?: number | undefined
}

/** Kind of traffic that a tunnel carries. */
export type Transport = 'tcp' | 'udp'

/** A target: `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path. */
export type TunnelTarget = string | number

// Options of the core, with their checks. `crates/fastn-net/src/tunnel/options.rs` has their defaults.
const exposeChecks = { service: text, connectTimeout: timeLimit }
const exposeUdpChecks = { service: text, flowTimeout: timeLimit }
const bridgeChecks = { service: text, maxConnections: positive, openTimeout: timeLimit }
const bridgeUdpChecks = { service: text, maxFlows: positive, openTimeout: timeLimit, flowTimeout: timeLimit }

/** Names of the options of each call, also for tests. */
export const exposeNames: OptionNames<ExposeOptions> = { allow: true, signal: true, ...namesOf(exposeChecks) }

export const exposeUdpNames: OptionNames<ExposeUdpOptions> = { allow: true, signal: true, ...namesOf(exposeUdpChecks) }

const ofBridge = { peer: true, port: true, host: true, signal: true } as const

export const bridgeNames: OptionNames<BridgeOptions> = { ...ofBridge, path: true, ...namesOf(bridgeChecks) }

export const bridgeUdpNames: OptionNames<BridgeUdpOptions> = { ...ofBridge, ...namesOf(bridgeUdpChecks) }

/** Checks a target. The core parses it. */
export function checkTarget(target: unknown): string {
  if (typeof target === 'string') {
    if (!target.startsWith('unix:') && /(^|:)0+$/.test(target)) throw invalid('the port of target', 'from 1 to 65,535')
    return target
  }
  if (typeof target !== 'number') throw invalid('target', "'host:port', a port, or 'unix:' and a path")
  return String(portOf(target, 'target', 1))
}

/** Checks the options of an exposed service. */
export function resolveExpose(transport: Transport, options: ExposeOptions | ExposeUdpOptions): BindingExposeOptions {
  const isUdp = transport === 'udp'
  const checked = isUdp ? checkOptions(options, exposeUdpNames) : checkOptions(options, exposeNames)
  return { allow: allowed(checked.allow), values: valuesOf(checked, isUdp ? exposeUdpChecks : exposeChecks) }
}

/** Checks the options of a bridge, except its peer. Returns the local address as the core parses it. */
export function resolveBridge(
  transport: Transport,
  options: BridgeOptions | BridgeUdpOptions,
  openTimeout: number
): [string, BindingOptions] {
  if (transport === 'tcp') return resolveBridgeTcp(checkOptions<BridgeOptions>(options, bridgeNames), openTimeout)
  const checked = checkOptions<BridgeUdpOptions>(options, bridgeUdpNames)
  const { maxFlows, ...values } = valuesOf(checked, bridgeUdpChecks)
  // The core's name is that of TCP.
  return [localOf(checked), { openTimeout, ...values, ...(maxFlows !== undefined && { maxConnections: maxFlows }) }]
}

function resolveBridgeTcp(checked: Omit<BridgeOptions, 'peer'>, openTimeout: number): [string, BindingOptions] {
  return [localOf(checked), { openTimeout, ...valuesOf(checked, bridgeChecks) }]
}

/** Options of {@link Endpoint.exposeProxy}. */
export interface ExposeProxyOptions extends ExposeOptions {
  /**
   * Destinations that peers may reach, at least one rule. Each may end in `:port` or `:port-port`.
   *
   * - `'example.com'`, `'*.example.com'` (its subdomains), `'*'` (every host): public addresses only.
   * - `'10.1.0.0/16'`, `'fd00::/8'`, `'127.0.0.1'`: these addresses, by any name. IPv6 with a port needs brackets:
   *   `'[fd00::/8]:443'`.
   * - `'db.internal@10.0.0.0/8'`: this host, at addresses in this range.
   *
   * Non-public addresses (loopback, private, link-local, multicast, NAT64, 6to4, …) need a range within their block:
   * `'0.0.0.0/0'` does not allow `10.0.0.1`, `'10.0.0.0/8'` does.
   */
  targets: readonly string[]
}

/** Options of {@link Endpoint.proxy} and {@link Endpoint.socks5}. */
export interface ProxyOptions extends Omit<BridgeOptions, 'peer'> {}

export const exposeProxyNames: OptionNames<ExposeProxyOptions> = { ...exposeNames, targets: true }

const { peer: _, ...ofProxy } = bridgeNames

export const proxyNames: OptionNames<ProxyOptions> = ofProxy

/** Checks the options of an exposed proxy. The core parses the rules. */
export function resolveExposeProxy(options: ExposeProxyOptions): [string[], BindingExposeOptions] {
  const { targets, ...others } = checkOptions(options, exposeProxyNames)
  const rules = stringArray(targets, 'options.targets')
  const expected = "an array of rules such as '*:443' or '10.0.0.0/8'"
  if (rules.length === 0) throw invalid('options.targets', `${expected}, not empty: peers reach nothing else`)
  return [rules, resolveExpose('tcp', others)]
}

/** Checks the options of a local proxy, as {@link resolveBridge} does. */
export function resolveProxy(options: ProxyOptions, openTimeout: number): [string, BindingOptions] {
  return resolveBridgeTcp(checkOptions(options, proxyNames), openTimeout)
}

/** Local address of a bridge, in the core's format. */
export function localOf(options: Pick<BridgeOptions, 'port' | 'host' | 'path'>): string {
  const path = optional('string', options.path, 'options.path')
  const host = optional('string', options.host, 'options.host')
  const port = options.port === undefined ? undefined : portOf(options.port, 'options.port', 0)
  if (path === undefined) return `${bracketed(host ?? '127.0.0.1')}:${port ?? 0}`
  if (host !== undefined || port !== undefined) throw invalid('options.path', 'given without host and port')
  return `unix:${path}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function portOf(value: unknown, path: string, least: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 65_535) return value
  throw invalid(path, `a port from ${least} to 65,535`)
}

/** Checks the users of a service: ID52s, or `null` for all. */
export function allowed(allow: Peers | 'public'): string[] | null {
  if (allow === 'public') return null
  const expected = "a list of peers, or 'public' to let every peer use the service"
  if (typeof allow !== 'object') throw invalid('options.allow', `${expected}, not ${kindOf(allow)}`)
  const ids = idsOfAll(allow, 'options.allow')
  if (ids.length === 0) throw invalid('options.allow', `${expected}, not an empty list`)
  return ids
}
