import { connectionOf } from '../connection/connection.js'
import { ConnectionHandle } from '../connection/connection-handle.js'
import { IncomingQueue } from '../connection/incoming-queue.js'
import { stepsOf, type TakeQueue } from '../connection/queue-steps.js'
import { native } from '../native/addon.js'
import { FAILED, PENDING } from '../native/binding.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type CancelOptions, signalOf } from '../types.js'
import { warnDropped } from '../util/warn.js'
import { type IncomingConnections, incomingConnectionsOf } from './incoming-connections.js'

/** See {@link Endpoint.accept}. */
export function acceptConnections(endpoint: EndpointState, options: CancelOptions): IncomingConnections {
  const open = () => native().endpointListenConnections(endpoint.handle)
  const queue = new ConnectionQueue({ phase: 'accept', signal: signalOf(options), endpoint, open, onDropped })
  return incomingConnectionsOf(stepsOf(queue, handle => connectionOf(new ConnectionHandle(endpoint, handle))))
}

class ConnectionQueue extends IncomingQueue implements TakeQueue<number> {
  take(): number | null | undefined {
    if (this.handle === FAILED) return null
    const taken = native().connectionListenerAccept(this.handle)
    if (taken >= 0) return taken
    return taken === PENDING ? undefined : this.failed()
  }
}

/** Cleans up after a loop that was garbage-collected while it accepted connections. */
function onDropped(handle: number): void {
  const queued = native().connectionListenerAccept(handle)
  // The loop had already ended: nothing is lost.
  if (queued === FAILED) return
  if (queued >= 0) native().handleRelease(queued)
  warnDropped('a loop over connections', 'accept')
}
