import { addressOf } from '../keys/peer.js'
import type { BindingEndpointOptions } from '../native/binding.js'
import { checkOptions } from '../util/option-names.js'
import { invalid, oneOf, optional, texts } from '../util/validate.js'
import { type CustomNetwork, dnsNames, type Network, networkNames, type RelayAddress, relayNames } from './network.js'

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
    peers: (network.peers ?? []).map((peer, index) => addressOf(peer, `${at('peers')}[${index}]`))
  }
}

function relays(value: CustomNetwork['relays'], path: string): { url: string; token: string | null }[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'an array of URLs or { url, token }')
  return value.map((entry: string | RelayAddress, index) => {
    const here = `${path}[${index}]`
    if (typeof entry === 'string') return { url: entry, token: null }
    const { url, token } = checkOptions(entry, relayNames, here, 'a URL or { url, token }')
    if (typeof url !== 'string') throw invalid(`${here}.url`, 'a string')
    return { url, token: optional('string', token, `${here}.token`) ?? null }
  })
}
