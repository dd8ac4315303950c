import type { ExposeProxyOptions, ProxyOptions } from '../../tunnel/options.js'
import { addressOf } from './peer-address.js'
import { type StartService, tunnelService } from './service.js'

/** Exposes a proxy. */
export function exposingProxy(settings: ExposeProxyOptions): StartService {
  return async (endpoint, signal) => {
    const started = endpoint.exposeProxy({ ...settings, signal })
    return tunnelService(await started, settings.targets.join(' '))
  }
}

/** Listens on a local port as a proxy that forwards to a peer's proxy. */
export function proxying(kind: 'proxy' | 'socks5', peer: string, settings: ProxyOptions): StartService {
  return async (endpoint, signal, account) =>
    tunnelService(await endpoint[kind](addressOf(peer, account), { ...settings, signal }))
}
