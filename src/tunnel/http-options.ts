import { addressOf, type Peer, type Peers, parsePeer } from '../keys/peer.js'
import type { BindingBridgeHttpOptions, BindingExposeOptions, BindingHttpDestination } from '../native/binding-types.js'
import type { CancelOptions } from '../types.js'
import {
  checkObject,
  checkOptions,
  invalid,
  namesOf,
  type OptionNames,
  optional,
  positive,
  text,
  timeLimit,
  valuesOf
} from '../util/validate.js'
import { allowed, localOf } from './options.js'

/** Options of {@link Endpoint.exposeHttp}. */
export interface ExposeHttpOptions extends CancelOptions {
  /**
   * Peers that may use the service, or `'public'` for every peer that the endpoint admits. Peers are matched by key only. Checked for each
   * stream, in addition to {@link Endpoint.access} and `authorize`.
   */
  allow: Peers | 'public'
  /**
   * Name of the service, of at most 255 bytes. An endpoint serves one HTTP service without a name, and any number with one. Default:
   * none.
   */
  service?: string | undefined
  /**
   * `Host` header for the target: `'client'`, as sent by the client; `'target'`, host and port of the target; or a host. Default: `'client'`; for a target with `https`, `'target'`.
   */
  hostHeader?: string | undefined
  /** Certificates in PEM that are trusted instead of the system's, for a target with `https`. Default: none. */
  certificates?: string | undefined
  /** Connect timeout of the target in milliseconds, including the TLS handshake. Then: status 504. Default: 9 s. */
  connectTimeout?: number | undefined
  /** How long the target may neither read the request nor respond, in milliseconds. Then: status 504. Default: 60 s. */
  responseTimeout?: number | undefined
}

/** A peer's HTTP service. */
export interface HttpDestination {
  /** The peer that exposes it. */
  peer: Peer
  /** Name of the service, as the peer exposes it. Default: none. */
  service?: string | undefined
}

/** Options of {@link Endpoint.bridgeHttp}. */
export interface BridgeHttpOptions extends CancelOptions {
  /**
   * The peer for `localhost` and IP addresses. The bridge then reaches only this peer and those in `hosts`. Without it, the bridge reaches
   * every peer whose ID52 is in the request's `Host`. Default: none.
   */
  peer?: Peer | undefined
  /** Name of the service of `peer`, as it exposes it. Default: none. */
  service?: string | undefined
  /** Peers or their services by host. `{ shop: peer }` adds `http://shop.localhost:port`. Default: none. */
  hosts?: Readonly<Record<string, Peer | HttpDestination>> | undefined
  /** Local port; 0 picks a free one. Default: 0. */
  port?: number | undefined
  /** Local address or name. Any program that can reach it can use the services. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Path of a Unix socket, instead of `host` and `port`. Not on Windows. Default: none. */
  path?: string | undefined
  /** Maximum local connections. Further ones wait to be accepted. Default: 4096. */
  maxConnections?: number | undefined
  /** Timeout for reaching the peer, in milliseconds, per request. Default: the endpoint's `openTimeout`, 30 s. */
  openTimeout?: number | undefined
}

// Options of the core, with their checks. `crates/fastn-net/src/tunnel/http/options.rs` has their defaults.
const exposeChecks = {
  service: text,
  hostHeader: text,
  certificates: text,
  connectTimeout: timeLimit,
  responseTimeout: timeLimit
}
const bridgeChecks = { maxConnections: positive, openTimeout: timeLimit }

/** Names of the options of each call, also for tests. */
export const exposeHttpNames: OptionNames<ExposeHttpOptions> = { allow: true, signal: true, ...namesOf(exposeChecks) }

export const bridgeHttpNames: OptionNames<BridgeHttpOptions> = {
  peer: true,
  service: true,
  hosts: true,
  port: true,
  host: true,
  path: true,
  signal: true,
  ...namesOf(bridgeChecks)
}

/** Checks the options of an exposed HTTP service. */
export function resolveExposeHttp(options: ExposeHttpOptions): BindingExposeOptions {
  const checked = checkOptions(options, exposeHttpNames)
  return { allow: allowed(checked.allow), values: valuesOf(checked, exposeChecks) }
}

/** Checks the options of an HTTP bridge. Returns the local address as the core parses it. */
export function resolveBridgeHttp(options: BridgeHttpOptions, openTimeout: number): [string, BindingBridgeHttpOptions] {
  const checked = checkOptions(options, bridgeHttpNames)
  const { peer, service, hosts } = checked
  if (peer === undefined && service !== undefined) throw invalid('options.service', 'given with options.peer')
  const named = Object.entries(hosts === undefined ? {} : checkObject(hosts, 'options.hosts', 'an object of hosts'))
  const binding = {
    destination: peer === undefined ? null : destinationOf(peer, service, 'options'),
    hosts: named.map(([name, given]) => ({ name, destination: destinationOfHost(given, `options.hosts.${name}`) })),
    values: { openTimeout, ...valuesOf(checked, bridgeChecks) }
  }
  return [localOf(checked), binding]
}

function destinationOfHost(given: Peer | HttpDestination | null, path: string): BindingHttpDestination {
  const isDestination = typeof given === 'object' && given !== null && 'peer' in given
  return isDestination ? destinationOf(given.peer, given.service, path) : destinationOf(given as Peer, undefined, path)
}

function destinationOf(peer: Peer, service: string | undefined, path: string): BindingHttpDestination {
  return {
    peer: typeof peer === 'string' ? parsePeer(peer) : addressOf(peer, `${path}.peer`),
    service: optional('string', service, `${path}.service`) ?? null
  }
}
