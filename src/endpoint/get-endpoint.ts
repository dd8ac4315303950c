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
 * Opens an endpoint: this program under that key, able to dial peers and, once something listens, to be dialled.
 *
 * An endpoint that only dials does not keep the process alive. One that is not closed when the process has nothing left to do
 * is closed then, within 3 s. It belongs to the thread that made it.
 *
 * @throws {FastnNetError} `ERR_SECRET_KEY`; `ERR_INVALID_ARGUMENT` for an option, which the message names; `ERR_BIND` when no
 * socket can be had; `ERR_SHUTTING_DOWN` when `options.graceful` shuts down, also meanwhile; `ERR_NATIVE` where there is no addon
 * for the platform.
 */
export async function getEndpoint(secretKey: SecretKey, options: EndpointOptions = {}): Promise<Endpoint> {
  if (!(secretKey instanceof SecretKey)) {
    throw new FastnNetError(
      'ERR_SECRET_KEY',
      'secretKey must be a SecretKey: see SecretKey.generate and SecretKey.from'
    )
  }
  const resolved = resolveOptions(options)
  const { signal, graceful } = options
  throwIfAborted(signal)
  if (graceful !== undefined) checkGraceful(graceful)
  startWakeups()
  const bind = native().endpointBind(secretKey.toBytes(), resolved.binding)
  // Not cancelled by the signal: whoever aborted this can bind the same port again at once.
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

/** Closes an endpoint that no object stands for yet. */
async function closeUnused(handle: number): Promise<void> {
  await outcomeOf(native().endpointClose(handle, 0), { phase: 'close' })
  await outcomeOf(native().endpointFreed(handle), { phase: 'close' })
  native().handleRelease(handle)
}
