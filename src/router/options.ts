import { Endpoint } from '../endpoint/endpoint.js'
import { idsOfAll, type Peer, type PeerAddress, type Peers } from '../keys/peer.js'
import type { CancelOptions } from '../types.js'
import {
  checkOptions,
  checkSignal,
  invalid,
  kindOf,
  type OptionNames,
  oneOf,
  optional,
  positive
} from '../util/validate.js'
import type { RouterContext, RouterTarget } from './target.js'

/** Identity of a peer in an account. */
export interface RouterIdentity {
  /** Its alias. */
  readonly alias: string | undefined
  /** Its groups. */
  readonly groups: readonly string[]
  /** Name of the device, if the peer is a device of the account. */
  readonly device: string | undefined
  /** Leases through which it acts for other accounts. */
  readonly actsFor: readonly RouterLease[]
}

/** A lease through which a device acts for an account. */
export interface RouterLease {
  /** ID52 of the account. */
  readonly account: string
  /** Scope of the lease. */
  readonly scope: '*' | readonly string[]
}

/** Names of an account. */
export interface RouterNames {
  /** Peers by name. */
  readonly aliases: Readonly<Record<string, PeerAddress>>
}

/** The part of an account that a router needs. `Account` of `fastn-net/account` implements it. */
export interface RouterAccount {
  /** Data of the account. A new object after each change. */
  readonly data: RouterNames
  /** Identifies a peer. */
  identify(peer: Peer): RouterIdentity
  /** Address of a peer that has an alias. */
  peer(name: string): PeerAddress
}

/** The routing table, by host. {@link Router.update} replaces it as a whole. */
export interface RouterTable {
  /**
   * Targets by name. In lower case, of letters, digits, `-`, `_` and `.`.
   *
   * - `shop` is `http://shop.localhost:<port>` and `http://shop.<id52>.localhost:<port>` here, with the endpoint's ID52. For peers, it is
   *   the HTTP service `shop`.
   * - A name with a dot, such as `shop.example`, also matches that exact host, for names that the system or the PAC file sends here.
   */
  hosts?: Readonly<Record<string, RouterTarget>> | undefined
  /** Target of `http://<id52>.localhost:<port>`, with the endpoint's ID52. For peers, it is the HTTP service without a name. Default: none. */
  home?: RouterTarget | undefined
  /**
   * Peers whose services are reachable as `<id52>.localhost`, `<service>.<id52>.localhost`, and with an account as
   * `<alias>.localhost` and `<service>.<alias>.localhost`: `'all'`; `'known'`, those with an alias; or `'none'`. Default: `'all'`.
   */
  peers?: 'all' | 'known' | 'none' | undefined
}

/** Options of {@link createRouter}. */
export interface RouterOptions extends RouterTable, CancelOptions {
  /** The endpoint that serves peers and dials them. */
  endpoint: Endpoint
  /** Names of peers, groups and devices. Default: none. */
  account?: RouterAccount | undefined
  /**
   * Further peers with the access level `self`: on a device, its account and the account's other devices. Devices of `account` are
   * always included. Default: none.
   */
  self?: Peers | undefined
  /** Local port; 0 picks a free one. Default: 0. */
  port?: number | undefined
  /** Local address or name. Any program that can reach it has local access. Default: `'127.0.0.1'`. */
  host?: string | undefined
  /** Maximum local connections. Further ones are closed. Default: 4096. */
  maxConnections?: number | undefined
  /** Receives errors of handlers, after the client got status 500, and of their bodies. Default: a process warning, once per code. */
  onError?: ((error: unknown, context: RouterContext) => unknown) | undefined
}

/** Names of {@link RouterTable}. */
export const tableNames: OptionNames<RouterTable> = { hosts: true, home: true, peers: true }

const routerNames: OptionNames<RouterOptions> = {
  ...tableNames,
  endpoint: true,
  account: true,
  self: true,
  port: true,
  host: true,
  maxConnections: true,
  onError: true,
  signal: true
}

/** Checked options with defaults filled in, without the table. */
export interface ResolvedRouter {
  readonly endpoint: Endpoint
  readonly account: RouterAccount | undefined
  /** ID52s. */
  readonly self: ReadonlySet<string>
  readonly port: number
  readonly host: string
  readonly maxConnections: number
  readonly onError: RouterOptions['onError']
  readonly signal: AbortSignal | undefined
}

/** Checks the options of {@link createRouter}, except for the table, which is returned separately. */
export function resolveRouter(options: RouterOptions): [ResolvedRouter, RouterTable] {
  const checked = checkOptions(options, routerNames, 'options', '{ endpoint, hosts }')
  const { endpoint, account, self, port = 0, host, maxConnections, onError, signal, ...table } = checked
  if (!(endpoint instanceof Endpoint))
    throw invalid('options.endpoint', `an endpoint, as createEndpoint() returns it, not ${kindOf(endpoint)}`)
  if (account !== undefined && typeof (account as Partial<RouterAccount> | null)?.identify !== 'function')
    throw invalid('options.account', 'an account, as openAccount() returns it')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalid('options.port', 'a port from 0 to 65,535')
  if (onError !== undefined && typeof onError !== 'function') throw invalid('options.onError', 'a function')
  const resolved = {
    endpoint,
    account,
    self: new Set(self === undefined ? [] : idsOfAll(self, 'options.self')),
    port,
    host: optional('string', host, 'options.host') ?? '127.0.0.1',
    maxConnections: maxConnections === undefined ? 4_096 : positive(maxConnections, 'options.maxConnections'),
    onError,
    signal: checkSignal(signal)
  }
  return [resolved, table]
}

/** Checks the option `peers`. */
export function reachablePeers(peers: RouterTable['peers']): 'all' | 'known' | 'none' {
  return peers === undefined ? 'all' : oneOf(['all', 'known', 'none'], peers, 'options.peers')
}
