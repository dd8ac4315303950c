import type { PeerAddress } from '../keys/peer.js'
import type { OptionNames } from '../util/option-names.js'

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
