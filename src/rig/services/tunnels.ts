import type { BridgeHttpOptions } from '../../tunnel/http-options.js'
import type { BridgeOptions, BridgeUdpOptions } from '../../tunnel/options.js'
import { addressOf } from './peer-address.js'
import { type StartService, tunnelService } from './service.js'

/** Kind of traffic that a tunnel carries. */
export type Transport = 'tcp' | 'udp'

/** Settings of an exposed service. */
export interface ExposeSettings {
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
  /** For UDP only, in milliseconds. */
  readonly flowTimeout?: number
}

/** Exposes a TCP or UDP service. */
export function exposing(transport: Transport, target: string, settings: ExposeSettings): StartService {
  return async (endpoint, signal) => {
    const options = { ...settings, signal }
    const started = transport === 'tcp' ? endpoint.exposeTcp(target, options) : endpoint.exposeUdp(target, options)
    return tunnelService(await started, target)
  }
}

/** Bridges a local port to a peer's TCP or UDP service. */
export function bridging(transport: Transport, settings: BridgeOptions | BridgeUdpOptions): StartService {
  return async (endpoint, signal, account) => {
    const options = { ...settings, peer: addressOf(settings.peer, account), signal }
    const started = transport === 'tcp' ? endpoint.bridgeTcp(options) : endpoint.bridgeUdp(options)
    return tunnelService(await started)
  }
}

/** Settings of an exposed HTTP service. */
export interface ExposeHttpSettings extends Omit<ExposeSettings, 'flowTimeout'> {
  readonly hostHeader: string | undefined
}

/** Exposes an HTTP service. */
export function exposingHttp(target: string, settings: ExposeHttpSettings): StartService {
  return async (endpoint, signal) => tunnelService(await endpoint.exposeHttp(target, { ...settings, signal }), target)
}

/** Bridges a local port to HTTP services of peers. */
export function bridgingHttp(settings: BridgeHttpOptions): StartService {
  return async (endpoint, signal, account) => {
    const { peer, ...rest } = settings
    const found = peer === undefined ? {} : { peer: addressOf(peer, account) }
    return tunnelService(await endpoint.bridgeHttp({ ...rest, ...found, signal }))
  }
}

/** A target with an optional host. */
export function targetOf(given: string, host: string | undefined): string {
  return /^\d+$/.test(given) ? `${host ?? '127.0.0.1'}:${given}` : given
}
