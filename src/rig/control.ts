import { type CallSettings, callSettings } from '../account/account-options.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import type { Peer } from '../keys/peer.js'
import { warnOnce } from '../util/warn.js'
import type { RigChanges, RigStatus } from './status.js'

/** Maximum length of an answer. */
const maxBytes = 1_048_576

/** The requests that a rig handles. */
export interface Controlled {
  status(): RigStatus
  reload(): Promise<RigChanges>
}

/** Serves RigControl. The policy of the endpoint controls access. */
export function serveControl(endpoint: Endpoint, rig: Controlled): Listener {
  const handle = async (input: unknown) => {
    const { op } = (typeof input === 'object' && input !== null ? input : {}) as { op?: unknown }
    if (op === 'status') return rig.status()
    if (op === 'reload') return await rig.reload()
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `'op' must be 'status' or 'reload'`)
  }
  const onError = (error: unknown) => {
    // The caller gets its own errors, and those of a configuration.
    if (!isFastnNetError(error)) warnOnce(error, 'ERR_RIG', message => `a request to the rig failed: ${message}`)
  }
  return endpoint.serve('RigControl', handle, { maxBytes, maxRequestsPerPeer: 4, onError })
}

/**
 * Queries the status of a rig. Only its owner and the owner's devices may do so: an alias of the account that owns the rig, or a device with a
 * lease of that account. A device must present the lease first, as in `lease.use(rig, () => rigStatus(endpoint, rig))`.
 *
 * @param rig The rig's own identity, which must be online.
 * @throws {FastnNetError} `ERR_UNAUTHORIZED`. The errors of `Endpoint.call`.
 *
 * @example
 * const { services } = await rigStatus(endpoint, rigTicket)
 */
export async function rigStatus(endpoint: Endpoint, rig: Peer, options: CallSettings = {}): Promise<RigStatus> {
  return await endpoint.call<RigStatus>(rig, 'RigControl', { op: 'status' }, { ...callSettings(options), maxBytes })
}

/**
 * Makes a rig reload and apply its configuration, as {@link Rig.reload} does. For access, see {@link rigStatus}.
 *
 * @throws {FastnNetError} `ERR_REMOTE` if the rig rejects the configuration; nothing changes. `ERR_UNAUTHORIZED`. The errors of
 * `Endpoint.call`.
 */
export async function reloadRig(endpoint: Endpoint, rig: Peer, options: CallSettings = {}): Promise<RigChanges> {
  return await endpoint.call<RigChanges>(rig, 'RigControl', { op: 'reload' }, { ...callSettings(options), maxBytes })
}
