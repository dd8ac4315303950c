import { addressOf, type Peer, parsePeer } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { handleOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'
import { type ExposeProxyOptions, type ProxyOptions, resolveExposeProxy, resolveProxy } from './options.js'
import { RunningTunnel } from './running-tunnel.js'
import { type Tunnel, tunnelOf } from './tunnel.js'

/** See {@link Endpoint.exposeProxy}. */
export async function exposeProxy(endpoint: EndpointState, options: ExposeProxyOptions): Promise<Tunnel> {
  const [targets, binding] = resolveExposeProxy(options)
  throwIfAborted(options.signal)
  endpoint.checkOpen('expose')
  const handle = native().proxyExpose(endpoint.handle, targets, binding)
  if (handle === FAILED) throw lastFailure({ phase: 'expose' })
  return tunnelOf(new RunningTunnel(endpoint, handle, '', options.signal))
}

/** Protocol of a local proxy, as the scheme of its URL. */
export type ProxyScheme = 'http' | 'socks5h'

/** See {@link Endpoint.proxy} and {@link Endpoint.socks5}. */
export async function listenAsProxy(
  endpoint: EndpointState,
  scheme: ProxyScheme,
  peer: Peer,
  options: ProxyOptions
): Promise<Tunnel> {
  const [local, binding] = resolveProxy(options, endpoint.options.openTimeout)
  const { signal } = options
  throwIfAborted(signal)
  const address = typeof peer === 'string' ? parsePeer(peer) : addressOf(peer, 'peer')
  endpoint.checkOpen('bridge')
  const operation = native().proxyListen(endpoint.handle, scheme === 'http', local, address, binding)
  const handle = await handleOf(operation, { peer: address.id52, phase: 'bridge' }, signal)
  return tunnelOf(new RunningTunnel(endpoint, handle, scheme, signal))
}
