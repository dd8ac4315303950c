import type { Connection } from '../connection/connection.js'
import { QueueIterator, type QueueSteps } from '../connection/queue-iterator.js'
import { internal } from '../util/illegal-constructor.js'

/** @internal */
export let incomingConnectionsOf: (steps: QueueSteps<Connection>) => IncomingConnections

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
    incomingConnectionsOf = steps => new IncomingConnections(internal, steps)
  }
}
