import { native } from './binding.js'
import { waiters } from './keep-alive.js'

/** One more thing that keeps the process alive. Each call is undone by one {@link unhold}. */
export function hold(): void {
  if (waiters().holds++ === 0) native().bridgeHold(true)
}

/** Undoes one {@link hold}; without any left the event loop may end. */
export function unhold(): void {
  if (--waiters().holds === 0) native().bridgeHold(false)
}
