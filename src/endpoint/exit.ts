import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import { defaults } from '../settings.js'

// Handles, not endpoints: these lists keep no endpoint from being collected.
const open = new Set<number>()
const told = new Set<number>()
let watching = false

/**
 * Closes the endpoint when the process has nothing left to do: peers learn of it, and what was finished is delivered.
 * That takes 3 s at most, and is not done by `process.exit()`, where only those with `tell` tell their peers.
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

/** Closes the endpoint when its owner is collected, as at the exit: its peers learn it now, and not by a timeout. */
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

/** The endpoint is being closed. Until that is done, its peers are still told at the exit. */
export function closingBeforeExit(endpoint: number): void {
  open.delete(endpoint)
}

/** The endpoint is closed. */
export function forgetAtExit(endpoint: number): void {
  open.delete(endpoint)
  if (told.delete(endpoint) && told.size === 0) process.off('exit', farewell)
}

function farewell(): void {
  native().endpointsFarewell([...told], defaults.farewellTimeout)
}
