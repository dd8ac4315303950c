import { addressOf, parsePeer } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { handleOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'
import {
  type BridgeOptions,
  type BridgeUdpOptions,
  checkTarget,
  type ExposeOptions,
  type ExposeUdpOptions,
  resolveBridge,
  resolveExpose,
  type Transport,
  type TunnelTarget
} from './options.js'
import { RunningTunnel } from './running-tunnel.js'
import { type Tunnel, tunnelOf } from './tunnel.js'

/** See {@link Endpoint.exposeTcp} and {@link Endpoint.exposeUdp}. */
export async function expose(
  endpoint: EndpointState,
  transport: Transport,
  target: TunnelTarget,
  options: ExposeOptions | ExposeUdpOptions
): Promise<Tunnel> {
  const text = checkTarget(target)
  const binding = resolveExpose(transport, options)
  throwIfAborted(options.signal)
  endpoint.checkOpen('expose')
  const handle = native().tunnelExpose(endpoint.handle, transport === 'udp', text, binding)
  if (handle === FAILED) throw lastFailure({ phase: 'expose' })
  return tunnelOf(new RunningTunnel(endpoint, handle, transport, options.signal))
}

/** See {@link Endpoint.bridgeTcp} and {@link Endpoint.bridgeUdp}. */
export async function bridge(
  endpoint: EndpointState,
  transport: Transport,
  options: BridgeOptions | BridgeUdpOptions
): Promise<Tunnel> {
  const [local, binding] = resolveBridge(transport, options, endpoint.options.openTimeout)
  const { peer, signal } = options
  throwIfAborted(signal)
  const address = typeof peer === 'string' ? parsePeer(peer) : addressOf(peer, 'options.peer')
  endpoint.checkOpen('bridge')
  const operation = native().tunnelBridge(endpoint.handle, transport === 'udp', local, address, binding)
  const handle = await handleOf(operation, { peer: address.id52, phase: 'bridge' }, signal)
  return tunnelOf(new RunningTunnel(endpoint, handle, transport, signal))
}
