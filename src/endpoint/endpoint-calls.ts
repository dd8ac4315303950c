import { type Connection, connectionOf, type PeerStream, streamOf } from '../connection/connection.js'
import { ConnectionHandle } from '../connection/connection-handle.js'
import type { EndpointAddress, Peer } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { lastFailure } from '../native/failure.js'
import { handleOf, outcomeOf } from '../native/operations.js'
import { defaults } from '../settings.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { openNow, openStream } from '../stream/open.js'
import type { Protocol } from '../stream/protocol.js'
import { type CancelOptions, type OpenOptions, openNames, signalOf, type TimeoutOptions, timeoutOf } from '../types.js'
import { watched } from '../util/diagnostics.js'
import { checkOptions, throwIfAborted } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import { trackedPeer } from './tracked-peer.js'

/** See {@link Endpoint.address}. */
export function addressOf(endpoint: EndpointState): EndpointAddress {
  endpoint.checkOpen('address')
  const address = native().endpointAddress(endpoint.handle)
  if (address === null) throw lastFailure({ phase: 'address' })
  return address
}

/** See {@link Endpoint.ticket}. */
export async function ticketOf(endpoint: EndpointState, options: TimeoutOptions): Promise<string> {
  const timeout = timeoutOf(options, defaults.ticketTimeout)
  throwIfAborted(options.signal)
  endpoint.checkOpen('ticket')
  const operation = native().endpointTicket(endpoint.handle, timeout)
  const { text } = await outcomeOf(operation, { phase: 'ticket' }, options.signal)
  // If the endpoint has closed while this waited, the text has no address.
  endpoint.checkOpen('ticket')
  const refusal = native().endpointRelayRefusal(endpoint.handle)
  if (refusal !== null) warnOnce(new Error(refusal), 'ERR_RELAY', why => `the ticket has no relay: ${why}`)
  return text as string
}

/** See {@link Endpoint.getStream}. */
export function streamTo(
  endpoint: EndpointState,
  peer: Peer,
  protocol: Protocol,
  options: OpenOptions
): Promise<PeerStream> {
  try {
    checkOptions(options, openNames)
    const tracked = trackedPeer(endpoint, peer)
    const state = openNow(endpoint, tracked, protocol, options)
    if (state !== undefined) return Promise.resolve(streamOf(state))
    return openStream(endpoint, tracked, protocol, options, streamOf)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** See {@link Endpoint.connect}. */
export async function connectTo(endpoint: EndpointState, peer: Peer, options: TimeoutOptions): Promise<Connection> {
  const timeout = timeoutOf(options, endpoint.options.openTimeout)
  throwIfAborted(options.signal)
  const { handle, id52 } = trackedPeer(endpoint, peer)
  const connect = async () => {
    const operation = native().peerConnect(handle, timeout)
    const connection = await handleOf(operation, { peer: id52, phase: 'connect' }, options.signal)
    return connectionOf(new ConnectionHandle(endpoint, connection))
  }
  const traced = watched('connect')
  if (traced === undefined) return await connect()
  return await traced.tracePromise(connect, { endpoint: endpoint.id52, peer: id52 })
}

/** See {@link Endpoint.ping}. */
export async function pingPeer(endpoint: EndpointState, peer: Peer, options: CancelOptions): Promise<number> {
  throwIfAborted(signalOf(options))
  const { handle, id52 } = trackedPeer(endpoint, peer)
  const operation = native().peerPing(handle, endpoint.options.openTimeout)
  const { number } = await outcomeOf(operation, { peer: id52, phase: 'ping' }, options.signal)
  return number as number
}

/** See {@link Endpoint.metrics}. */
export function metricsOf(endpoint: EndpointState): string {
  const text = native().endpointMetrics(endpoint.handle)
  if (text === null) throw lastFailure({ phase: 'metrics' })
  return text
}
