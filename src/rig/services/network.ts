import type { Network } from '../../endpoint/network.js'
import type { Settings } from './settings.js'

/** Network settings of a configuration. */
export interface NetworkSettings {
  readonly network: 'internet' | 'lan' | 'loopback' | undefined
  /** URLs. */
  readonly relays: readonly string[]
}

/** Reads the keys `network` and `relays`. */
export function networkSettings(root: Settings): NetworkSettings {
  const relays = root.texts('relays')
  for (const relay of relays) {
    const url = URL.canParse(relay) ? new URL(relay) : undefined
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      const expected = 'must have URLs such as https://relay.example.com'
      throw root.error('relays', `'relays' ${expected}, not '${relay.slice(0, 200)}'`)
    }
  }
  const network = root.choice('network', ['internet', 'lan', 'loopback']) as NetworkSettings['network']
  if (relays.length > 0 && network !== undefined && network !== 'internet') {
    throw root.error('relays', `'relays' work on the internet only, not on the network ${network}`)
  }
  return { network, relays }
}

/** Whether an endpoint is on loopback, where nothing looks up peers. */
export function isLoopback({ network, relays }: NetworkSettings): boolean {
  return relays.length === 0 && (network ?? process.env.FASTN_NET_NETWORK) === 'loopback'
}

/** The network as an option of an endpoint. */
export function networkOf({ network, relays }: NetworkSettings): Network | undefined {
  return relays.length === 0 ? network : { relays, mdns: true, portMapping: true }
}
