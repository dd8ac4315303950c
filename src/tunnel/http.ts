import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { handleOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'
import { type BridgeHttpOptions, type ExposeHttpOptions, resolveBridgeHttp, resolveExposeHttp } from './http-options.js'
import { checkTarget, type TunnelTarget } from './options.js'
import { RunningTunnel } from './running-tunnel.js'
import { type Tunnel, tunnelOf } from './tunnel.js'

/** See {@link Endpoint.exposeHttp}. */
export async function exposeHttp(
  endpoint: EndpointState,
  target: TunnelTarget,
  options: ExposeHttpOptions
): Promise<Tunnel> {
  const text = checkTarget(target)
  const binding = resolveExposeHttp(options)
  throwIfAborted(options.signal)
  endpoint.checkOpen('expose')
  const handle = native().tunnelExposeHttp(endpoint.handle, text, binding)
  if (handle === FAILED) throw lastFailure({ phase: 'expose' })
  return tunnelOf(new RunningTunnel(endpoint, handle, 'http', options.signal))
}

/** See {@link Endpoint.bridgeHttp}. */
export async function bridgeHttp(endpoint: EndpointState, options: BridgeHttpOptions): Promise<Tunnel> {
  const [local, binding] = resolveBridgeHttp(options, endpoint.options.openTimeout)
  throwIfAborted(options.signal)
  endpoint.checkOpen('bridge')
  const operation = native().tunnelBridgeHttp(endpoint.handle, local, binding)
  const handle = await handleOf(operation, { phase: 'bridge' }, options.signal)
  return tunnelOf(new RunningTunnel(endpoint, handle, 'http', options.signal))
}
