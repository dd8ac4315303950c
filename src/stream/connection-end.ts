import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { outcomeOf } from '../native/operations.js'
import { never } from '../native/wakeups.js'
import type { ConnectionState } from './endpoint-state.js'

const watches = new WeakMap<ConnectionState, ConnectionEnd>()

/**
 * Calls `onEnd` once the connection has ended, never synchronously. Returns a function that cancels this.
 *
 * All callers of a connection share one native wait, which does not keep the process alive.
 */
export function onConnectionEnd(connection: ConnectionState, onEnd: () => void): () => void {
  let watch = watches.get(connection)
  if (watch === undefined) {
    watch = new ConnectionEnd(connection)
    watches.set(connection, watch)
  }
  return watch.add(onEnd)
}

class ConnectionEnd {
  readonly #observers = new Set<() => void>()
  readonly #ended: Promise<void>
  #isOver = false

  constructor(connection: ConnectionState) {
    this.#ended = waitForEnd(connection)
    void this.#ended.then(() => {
      this.#isOver = true
      this.#notify()
    })
  }

  add(onEnd: () => void): () => void {
    this.#observers.add(onEnd)
    if (this.#isOver) void this.#ended.then(() => this.#notify())
    return () => void this.#observers.delete(onEnd)
  }

  #notify(): void {
    for (const onEnd of this.#observers) {
      this.#observers.delete(onEnd)
      onEnd()
    }
  }
}

async function waitForEnd({ endpoint, id }: ConnectionState): Promise<void> {
  const view = native().connectionView(endpoint.handle, id)
  // The core no longer knows the connection.
  if (view === FAILED) return void native().takeError()
  try {
    await outcomeOf(native().connectionClosed(view), {}, undefined, never)
  } catch {
    // The endpoint has closed, and its connections with it.
  } finally {
    native().handleRelease(view)
  }
}
