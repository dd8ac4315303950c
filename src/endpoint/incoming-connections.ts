import { type Connection, connectionOf } from '../connection/connection.js'
import { IncomingQueue } from '../connection/incoming-queue.js'
import { QueueIterator, type QueueSteps, stepsOf, type TakeQueue } from '../connection/queue-iterator.js'
import { native } from '../native/addon.js'
import { FAILED, PENDING } from '../native/binding.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { internal } from '../util/illegal-constructor.js'
import { warnDropped } from '../util/warn.js'

/** @internal */
export let incomingConnectionsOf: (endpoint: EndpointState, signal?: AbortSignal) => IncomingConnections

/**
 * Async iterator over incoming connections. It accepts them from creation until it is left, aborted, or the endpoint closes.
 * Connections already accepted stay open.
 *
 * Waiting for a connection keeps the process alive while the endpoint is referenced.
 */
export class IncomingConnections extends QueueIterator<Connection> {
  private constructor(key: typeof internal, steps: QueueSteps<Connection>) {
    super(key, 'endpoint.accept()', steps)
  }

  static {
    incomingConnectionsOf = (endpoint, signal) => {
      const open = () => native().endpointListenConnections(endpoint.handle)
      const queue = new ConnectionQueue({ phase: 'accept', signal, endpoint, open, onDropped })
      return new IncomingConnections(
        internal,
        stepsOf(queue, handle => connectionOf(endpoint, handle))
      )
    }
  }
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
