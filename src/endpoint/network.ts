import { addressOf, type PeerAddress } from '../keys/peer.js'
import type { BindingEndpointOptions } from '../native/binding-types.js'
import { checkOptions, invalid, type OptionNames, oneOf, optional, stringArray } from '../util/validate.js'

/**
 * Network on which an endpoint discovers peers and is discovered.
 *
 * | value | contacts |
 * |---|---|
 * | `'internet'` | n0's relays, DNS and pkarr servers; the local network by mDNS; the router for a port mapping |
 * | `'lan'` | the local network only, by mDNS |
 * | `'loopback'` | nothing; binds 127.0.0.1 only |
 * | {@link CustomNetwork} | the servers that it names |
 */
export type Network = 'internet' | 'lan' | 'loopback' | CustomNetwork

/** A relay with its access token. */
export interface RelayAddress {
  /** URL of the relay. */
  url: string
  /** Access token. Default: none. */
  token?: string | undefined
}

/** DNS lookup of peers. */
export interface DnsLookup {
  /** Origin domain of the peers' records. */
  origin: string
  /** `address:port` of the DNS server. Default: the system's. */
  server?: string | undefined
}

/**
 * Network with your own servers. The endpoint uses only what is listed here.
 *
 * @example
 * await getEndpoint(secretKey, { network: { relays: ['https://relay.example.com'], dns: 'peers.example.com' } })
 */
export interface CustomNetwork {
  /** Relays, as URLs or with an access token. Default: none. */
  relays?: readonly (string | RelayAddress)[] | undefined
  /** DNS lookup of peers: the origin domain, or the domain with a DNS server. Default: none. */
  dns?: string | DnsLookup | undefined
  /** URL of the pkarr relay to publish to and look up from. Default: none. */
  pkarr?: string | undefined
  /** Discover peers on the local network. Default: false. */
  mdns?: boolean | undefined
  /** Request a port mapping from the router (UPnP, PCP, NAT-PMP). Default: false. */
  portMapping?: boolean | undefined
  /** Local `address:port` to bind, one per address family. Port 0 selects a free port. Default: all addresses, a free port. */
  bind?: readonly string[] | undefined
  /** Peers with known addresses. Default: none. */
  peers?: readonly PeerAddress[] | undefined
}

/** Names of {@link CustomNetwork}. */
export const networkNames: OptionNames<CustomNetwork> = {
  relays: true,
  dns: true,
  pkarr: true,
  mdns: true,
  portMapping: true,
  bind: true,
  peers: true
}
/** Names of {@link RelayAddress}. */
export const relayNames: OptionNames<RelayAddress> = { url: true, token: true }
/** Names of {@link DnsLookup}. */
export const dnsNames: OptionNames<DnsLookup> = { origin: true, server: true }

/** Network part of the binding's options. */
export type BindingNetwork = Pick<
  BindingEndpointOptions,
  'network' | 'relays' | 'dnsOrigin' | 'dnsServer' | 'pkarr' | 'mdns' | 'portMapping' | 'bind' | 'peers'
>

const preset = { relays: null, dnsOrigin: null, dnsServer: null, pkarr: null, bind: null, peers: [] }

const presets: Record<'internet' | 'lan' | 'loopback', BindingNetwork> = {
  internet: { ...preset, network: 'internet', mdns: true, portMapping: true },
  lan: { ...preset, network: 'lan', mdns: true, portMapping: false },
  loopback: { ...preset, network: 'loopback', mdns: false, portMapping: false, bind: ['127.0.0.1:0'] }
}

export function resolveNetwork(network: Network | null): BindingNetwork {
  if (typeof network === 'object' && network !== null) return custom(network)
  return presets[oneOf(['internet', 'lan', 'loopback'], network, 'options.network')]
}

function custom(network: CustomNetwork): BindingNetwork {
  checkOptions(network, networkNames, 'options.network')
  const path = (name: keyof CustomNetwork) => `options.network.${name}`
  const dns = typeof network.dns === 'string' ? { origin: network.dns } : network.dns
  if (dns !== undefined) checkOptions(dns, dnsNames, path('dns'), 'a domain or { origin, server }')
  const bind = stringArray(network.bind, path('bind'))
  if (network.peers !== undefined && !Array.isArray(network.peers))
    throw invalid(path('peers'), 'an array of addresses')
  return {
    network: 'custom',
    relays: relays(network.relays, path('relays')),
    dnsOrigin: optional('string', dns?.origin, `${path('dns')}.origin`) ?? null,
    dnsServer: optional('string', dns?.server, `${path('dns')}.server`) ?? null,
    pkarr: optional('string', network.pkarr, path('pkarr')) ?? null,
    mdns: optional('boolean', network.mdns, path('mdns')) ?? false,
    portMapping: optional('boolean', network.portMapping, path('portMapping')) ?? false,
    bind: bind.length === 0 ? null : bind,
    peers: Array.from(network.peers ?? [], (peer, index) => addressOf(peer, `${path('peers')}[${index}]`))
  }
}

function relays(value: CustomNetwork['relays'], path: string): { url: string; token: string | null }[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'an array of URLs or { url, token }')
  return Array.from(value as readonly (string | RelayAddress)[], (entry, index) => {
    const here = `${path}[${index}]`
    if (typeof entry === 'string') return { url: entry, token: null }
    const { url, token } = checkOptions(entry, relayNames, here, 'a URL or { url, token }')
    if (typeof url !== 'string') throw invalid(`${here}.url`, 'a string')
    return { url, token: optional('string', token, `${here}.token`) ?? null }
  })
}
