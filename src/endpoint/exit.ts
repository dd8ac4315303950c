import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import { defaults } from '../settings.js'

// Handles, not endpoints, so that endpoints can be garbage-collected.
const open = new Set<number>()
const notifyingAtExit = new Set<number>()
let isListening = false

/**
 * Closes the endpoint when the event loop is empty: notifies peers and delivers finished streams, within 3 s. `process.exit()` skips
 * this; with `notifyAtExit`, peers are notified then too.
 */
export function closeAtExit(endpoint: number, notifyAtExit: boolean): void {
  open.add(endpoint)
  if (notifyAtExit && notifyingAtExit.add(endpoint).size === 1) process.on('exit', notifyPeers)
  if (isListening) return
  isListening = true
  process.on('beforeExit', () => {
    for (const handle of open) {
      open.delete(handle)
      const closed = () => forgetAtExit(handle)
      outcomeOf(native().endpointClose(handle, defaults.exitTimeout), {}).then(closed, closed)
    }
  })
}

const collected = new FinalizationRegistry<number>(closeCollected)

/** Closes the endpoint when its owner is garbage-collected, so that peers do not have to wait for a timeout. */
export function closeWithOwner(owner: object, endpoint: number): void {
  collected.register(owner, endpoint)
}

function closeCollected(endpoint: number): void {
  if (!open.delete(endpoint)) {
    native().handleRelease(endpoint)
    return
  }
  const closed = () => {
    forgetAtExit(endpoint)
    native().handleRelease(endpoint)
  }
  outcomeOf(native().endpointClose(endpoint, defaults.exitTimeout), {}).then(closed, closed)
}

/** Marks the endpoint as closing. Peers are still notified at exit, until {@link forgetAtExit}. */
export function closingBeforeExit(endpoint: number): void {
  open.delete(endpoint)
}

/** Marks the endpoint as closed. */
export function forgetAtExit(endpoint: number): void {
  open.delete(endpoint)
  if (notifyingAtExit.delete(endpoint) && notifyingAtExit.size === 0) process.off('exit', notifyPeers)
}

function notifyPeers(): void {
  native().endpointsCloseBeforeExit([...notifyingAtExit], defaults.closeOnExitTimeout)
}
