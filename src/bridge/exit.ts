import { native } from '../native.js'
import { defaults } from '../options.js'
import { outcomeOf } from './operation.js'

// Handles, not endpoints: this list keeps no endpoint from being collected.
const open = new Set<number>()
let watching = false

/**
 * Closes the endpoint when the process has nothing left to do: peers learn of it, and what was finished is delivered.
 * That takes 3 s at most, and is not done by `process.exit()`, which tells the peers only.
 */
export function closeAtExit(endpoint: number): void {
  open.add(endpoint)
  if (watching) return
  watching = true
  process.on('beforeExit', () => {
    for (const handle of open) {
      open.delete(handle)
      outcomeOf(native().endpointClose(handle, defaults.exitTimeout), {}).catch(() => {})
    }
  })
}

/** The endpoint is closed, or will be. */
export function forgetAtExit(endpoint: number): void {
  open.delete(endpoint)
}
