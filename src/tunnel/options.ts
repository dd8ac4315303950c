import { idsOfAll, type Peer, type Peers } from '../keys/peer.js'
import type { BindingBridgeOptions, BindingExposeOptions } from '../native/binding-types.js'
import { defaults } from '../settings.js'
import type { CancelOptions } from '../types.js'
import { checkOptions, invalid, kindOf, type OptionNames, optional, positive, timeLimit } from '../util/validate.js'

/** Options of {@link Endpoint.exposeTcp}. */
export interface ExposeOptions extends CancelOptions {
  /**
   * Who may use the service: peers, or `'public'` for every peer that the endpoint admits. Only a peer's key counts. Checked for each
   * connection, in addition to {@link Endpoint.access} and `authorize`.
   */
  allow: Peers | 'public'
  /**
   * Name of the service, of at most 255 bytes. An endpoint exposes one TCP service without a name, and any number with one. Older peers
   * know only the one without. Default: none.
   */
  service?: string | undefined
  /** Timeout of a connection to the target, in milliseconds. Default: 9 s, less than the peer's `ackTimeout`. */
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
  /** Local address or name. Everyone who can reach it can use the service. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Path of a Unix socket, instead of `host` and `port`. Not on Windows. Default: none. */
  path?: string | undefined
  /** Local connections at a time. Further ones wait to be accepted. Default: 4096. */
  maxConnections?: number | undefined
  /** Timeout of reaching the peer, in milliseconds, for each connection. Default: the endpoint's `openTimeout`, 30 s. */
  openTimeout?: number | undefined
}

/** A target: `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path. */
export type TunnelTarget = string | number

const exposeNames: OptionNames<ExposeOptions> = { allow: true, service: true, connectTimeout: true, signal: true }

const bridgeNames: OptionNames<BridgeOptions> = {
  peer: true,
  service: true,
  port: true,
  host: true,
  path: true,
  maxConnections: true,
  openTimeout: true,
  signal: true
}

/** Checks a target. The core parses it. */
export function checkTarget(target: unknown): string {
  if (typeof target === 'string') return target
  if (typeof target !== 'number') throw invalid('target', "'host:port', a port, or 'unix:' and a path")
  return String(portOf(target, 'target', 1))
}

/** Checks {@link ExposeOptions}. */
export function resolveExpose(options: ExposeOptions): BindingExposeOptions {
  const { allow, service, connectTimeout } = checkOptions(options, exposeNames)
  return {
    allow: allowed(allow),
    service: optional('string', service, 'options.service') ?? null,
    connectTimeout:
      connectTimeout === undefined
        ? defaults.tunnels.connectTimeout
        : timeLimit(connectTimeout, 'options.connectTimeout')
  }
}

/** Checks {@link BridgeOptions}, except its peer. Returns the local address as the core parses it. */
export function resolveBridge(options: BridgeOptions, defaultTimeout: number): [string, BindingBridgeOptions] {
  const { service, maxConnections, openTimeout } = checkOptions(options, bridgeNames)
  const binding = {
    service: optional('string', service, 'options.service') ?? null,
    maxConnections:
      maxConnections === undefined
        ? defaults.tunnels.maxConnections
        : positive(maxConnections, 'options.maxConnections'),
    openTimeout: openTimeout === undefined ? defaultTimeout : timeLimit(openTimeout, 'options.openTimeout')
  }
  return [localOf(options), binding]
}

function localOf(options: BridgeOptions): string {
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

function allowed(allow: Peers | 'public'): string[] | null {
  if (allow === 'public') return null
  const expected = "a list of peers, or 'public' to let every peer use the service"
  if (typeof allow !== 'object') throw invalid('options.allow', `${expected}, not ${kindOf(allow)}`)
  const ids = idsOfAll(allow, 'options.allow')
  if (ids.length === 0) throw invalid('options.allow', `${expected}, not an empty list`)
  return ids
}
