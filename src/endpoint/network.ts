import { addressOf, type PeerAddress } from '../keys/peer.js'
import type { BindingEndpointOptions } from '../native/binding-types.js'
import { checkOptions, invalid, type OptionNames, oneOf, optional, texts } from '../util/validate.js'

/** Where an endpoint finds peers and is found. */
export type Network =
  /** n0's relays, DNS and pkarr look-up, mDNS, port mapping. */
  | 'internet'
  /** mDNS only: nothing outside the local network is contacted. */
  | 'lan'
  /** 127.0.0.1 only: nothing is contacted, no other socket is opened. */
  | 'loopback'
  | CustomNetwork

/** A relay and what it asks for. */
export interface RelayAddress {
  /** Its URL. */
  url: string
  /** The token that it wants to see. Default: none. */
  token?: string | undefined
}

/** Look-up of peers by DNS. */
export interface DnsLookup {
  /** The domain that peers are looked up under. */
  origin: string
  /** `address:port` of the server to ask. Default: the system's. */
  server?: string | undefined
}

/** One's own servers. What is not named is not used. */
export interface CustomNetwork {
  /** Relays, as URLs or with the token that a relay asks for. Default: none. */
  relays?: readonly (string | RelayAddress)[] | undefined
  /** DNS look-up of peers: the origin domain, or that and the DNS server to ask (`address:port`). Default: none. */
  dns?: string | DnsLookup | undefined
  /** URL of a pkarr relay to publish at and look up from. Default: none. */
  pkarr?: string | undefined
  /** Look-up in the local network. Default: false. */
  mdns?: boolean | undefined
  /** Ask the router for a port (UPnP, PCP, NAT-PMP). Default: false. */
  portMapping?: boolean | undefined
  /** Local `address:port` to bind, one per address family; port 0 takes a free one. Default: every address, a free port. */
  bind?: readonly string[] | undefined
  /** Peers whose addresses are known. Default: none. */
  peers?: readonly PeerAddress[] | undefined
}

/** The names of {@link CustomNetwork}. */
export const networkNames: OptionNames<CustomNetwork> = {
  relays: true,
  dns: true,
  pkarr: true,
  mdns: true,
  portMapping: true,
  bind: true,
  peers: true
}
/** The names of {@link RelayAddress}. */
export const relayNames: OptionNames<RelayAddress> = { url: true, token: true }
/** The names of {@link DnsLookup}. */
export const dnsNames: OptionNames<DnsLookup> = { origin: true, server: true }

/** The part of the binding's options that says where peers are found. */
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
  const at = (name: keyof CustomNetwork) => `options.network.${name}`
  const dns = typeof network.dns === 'string' ? { origin: network.dns } : network.dns
  if (dns !== undefined) checkOptions(dns, dnsNames, at('dns'), 'a domain or { origin, server }')
  const bind = texts(network.bind, at('bind'))
  if (network.peers !== undefined && !Array.isArray(network.peers)) throw invalid(at('peers'), 'an array of addresses')
  return {
    network: 'custom',
    relays: relays(network.relays, at('relays')),
    dnsOrigin: optional('string', dns?.origin, `${at('dns')}.origin`) ?? null,
    dnsServer: optional('string', dns?.server, `${at('dns')}.server`) ?? null,
    pkarr: optional('string', network.pkarr, at('pkarr')) ?? null,
    mdns: optional('boolean', network.mdns, at('mdns')) ?? false,
    portMapping: optional('boolean', network.portMapping, at('portMapping')) ?? false,
    bind: bind.length === 0 ? null : bind,
    peers: Array.from(network.peers ?? [], (peer, index) => addressOf(peer, `${at('peers')}[${index}]`))
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
