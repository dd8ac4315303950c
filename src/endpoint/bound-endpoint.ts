import type { PublicKey } from '../keys/public-key.js'
import type { SecretKey } from '../keys/secret-key.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { outcomeOf } from '../native/operations.js'
import { EndpointState } from '../stream/endpoint-state.js'
import { type Access, accessOf } from './access.js'
import { AccessControl } from './access-control.js'
import { startAuthorizer } from './authorizer.js'
import { Closing } from './closing.js'
import { closeAtExit, closeWithOwner } from './exit.js'
import { checkNotShuttingDown, type Graceful } from './graceful.js'
import type { EndpointOptions, ResolvedOptions } from './options.js'

/** What an {@link Endpoint} consists of. */
export interface EndpointParts {
  readonly state: EndpointState
  readonly publicKey: PublicKey
  readonly access: Access
  readonly closing: Closing
}

/**
 * Makes the parts of an endpoint that the core has bound.
 *
 * @param gracefulOf Called once nothing else can fail, because a `Graceful` of one endpoint handles signals from then on.
 */
export async function boundEndpoint(
  handle: number,
  secretKey: SecretKey,
  resolved: ResolvedOptions,
  options: EndpointOptions,
  gracefulOf: () => Graceful | undefined
): Promise<EndpointParts> {
  const { signal, authorize, policy = null } = options
  if (signal?.aborted) {
    await closeUnused(handle)
    throw signal.reason
  }
  if (resolved.policy !== undefined && native().endpointPolicySet(handle, resolved.policy) === FAILED) {
    const error = lastFailure({ phase: 'bind' })
    await closeUnused(handle)
    throw error
  }
  const state = new EndpointState(handle, secretKey.publicKey.id52, resolved)
  closeWithOwner(state, handle)
  closeAtExit(handle, resolved.closeOnExit)
  if (authorize?.peer !== undefined || authorize?.stream !== undefined) startAuthorizer(handle, authorize)
  const graceful = gracefulOf()
  const closing = new Closing(state, graceful)
  if (graceful?.cancelled.aborted) {
    await closing.close({})
    checkNotShuttingDown(graceful)
  }
  return { state, publicKey: secretKey.publicKey, access: accessOf(new AccessControl(state, policy)), closing }
}

/** Closes an endpoint that has no {@link Endpoint} object yet. */
async function closeUnused(handle: number): Promise<void> {
  await outcomeOf(native().endpointClose(handle, 0), { phase: 'close' })
  await outcomeOf(native().endpointPortsReleased(handle), { phase: 'close' })
  native().handleRelease(handle)
}
