import { FastnNetError } from '../errors.js'
import { SecretKey } from '../keys/secret-key.js'
import { native } from '../native/addon.js'
import { handleOf, outcomeOf } from '../native/operations.js'
import { startWakeups } from '../native/wakeups.js'
import { EndpointState } from '../stream/endpoint-state.js'
import { throwIfAborted } from '../util/validate.js'
import { type Authorize, startAuthorizer } from './authorizer.js'
import { type Endpoint, endpointOf } from './endpoint.js'
import { closeAtExit, closeWithOwner } from './exit.js'
import { checkGraceful } from './graceful.js'
import { type EndpointOptions, resolveOptions } from './options.js'

/**
 * Creates an endpoint: binds its sockets, and dials and accepts peers under this key. Peers can connect once something listens.
 *
 * An endpoint belongs to the thread that created it. It keeps the process alive only while it listens or a call is pending. If it is
 * still open when the event loop is empty, it closes, within 3 s.
 *
 * @throws {FastnNetError} `ERR_SECRET_KEY`. `ERR_INVALID_ARGUMENT` for an option, which the message names. `ERR_BIND` if no socket can
 * be bound. `ERR_SHUTTING_DOWN` if `options.graceful` is shutting down. `ERR_NATIVE` if there is no addon for this platform.
 *
 * @example
 * await using endpoint = await getEndpoint(SecretKey.generate())
 * await using stream = await endpoint.getStream(peer, 'Echo')
 */
export async function getEndpoint(secretKey: SecretKey, options: EndpointOptions = {}): Promise<Endpoint> {
  if (!(secretKey instanceof SecretKey)) {
    throw new FastnNetError(
      'ERR_SECRET_KEY',
      'secretKey must be a SecretKey; use SecretKey.generate() or SecretKey.from()'
    )
  }
  const resolved = resolveOptions(options)
  const { signal, graceful } = options
  throwIfAborted(signal)
  if (graceful !== undefined) checkGraceful(graceful)
  startWakeups()
  const bind = native().endpointBind(secretKey.toBytes(), resolved.binding)
  // Not cancelled by the signal: once this rejects, the port must be free to bind again.
  const handle = await handleOf(bind, { phase: 'bind' })
  if (signal?.aborted) {
    await closeUnused(handle)
    throw signal.reason
  }
  const state = new EndpointState(handle, secretKey.publicKey.id52, resolved)
  closeWithOwner(state, handle)
  closeAtExit(handle, resolved.closeOnExit)
  if (resolved.binding.guard.authorizePeer || resolved.binding.guard.authorizeStream)
    startAuthorizer(handle, options.authorize as Authorize)
  const endpoint = endpointOf(state, secretKey.publicKey, graceful)
  if (graceful?.cancelled.aborted) {
    await endpoint.close()
    checkGraceful(graceful)
  }
  return endpoint
}

/** Closes an endpoint that has no {@link Endpoint} object yet. */
async function closeUnused(handle: number): Promise<void> {
  await outcomeOf(native().endpointClose(handle, 0), { phase: 'close' })
  await outcomeOf(native().endpointFreed(handle), { phase: 'close' })
  native().handleRelease(handle)
}
