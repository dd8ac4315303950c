import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import { defaults } from '../settings.js'

// Handles, not endpoints, which stay collectable.
const open = new Set<number>()
const told = new Set<number>()
let watching = false

/**
 * Closes the endpoint when the event loop is empty: notifies peers and delivers finished streams, within 3 s. `process.exit()` skips
 * that; there, only endpoints with `tell` notify their peers.
 */
export function closeAtExit(endpoint: number, tell: boolean): void {
  open.add(endpoint)
  if (tell && told.add(endpoint).size === 1) process.on('exit', farewell)
  if (watching) return
  watching = true
  process.on('beforeExit', () => {
    for (const handle of open) {
      open.delete(handle)
      const closed = () => forgetAtExit(handle)
      outcomeOf(native().endpointClose(handle, defaults.exitTimeout), {}).then(closed, closed)
    }
  })
}

const collected = new FinalizationRegistry<number>(closeCollected)

/** Closes the endpoint when its owner is collected, so that peers need no timeout to notice. */
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

/** Notes that the endpoint is closing. Its peers are still notified at the exit, until {@link forgetAtExit}. */
export function closingBeforeExit(endpoint: number): void {
  open.delete(endpoint)
}

/** Notes that the endpoint is closed. */
export function forgetAtExit(endpoint: number): void {
  open.delete(endpoint)
  if (told.delete(endpoint) && told.size === 0) process.off('exit', farewell)
}

function farewell(): void {
  native().endpointsFarewell([...told], defaults.farewellTimeout)
}
