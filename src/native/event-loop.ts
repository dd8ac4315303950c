import { offAbort, onAbort } from '../util/abort.js'

// Kept here: a test that replaces the global clock must not stop a call.
const { setImmediate, setTimeout } = globalThis
const now = performance.now.bind(performance)

/** How long calls may complete without a turn of the event loop, in milliseconds. */
const sliceMs = 1
/** Units between two looks at the clock. */
const unitsPerLook = 8
/** A call costs one unit, and one more for each of these many bytes. */
const bytesPerUnit = 4096

/**
 * Time for calls that complete without waiting. Their promises settle in microtasks, which run before timers, signals and other peers: a
 * peer that sends as fast as a loop reads would otherwise stop the event loop for ever. When the time is over, the next call waits for
 * {@link nextLoopTurn}, as it would for bytes.
 *
 * A slice begins with a turn that calls have waited for. Other turns go unnoticed, which costs one wait per slice at most.
 */
class LoopBudget {
  #units = unitsPerLook
  #endsAt = 0

  /** Counts a call that has completed. */
  take(bytes: number): void {
    this.#units -= 1 + Math.floor(bytes / bytesPerUnit)
  }

  /** Whether the next call must wait for {@link nextLoopTurn}. One that has waited completes in any case. */
  isSpent(): boolean {
    if (this.#units > 0) return false
    if (now() >= this.#endsAt) return true
    this.#units = unitsPerLook
    return false
  }

  renew(): void {
    this.#units = unitsPerLook
    this.#endsAt = now() + sliceMs
  }
}

/** The budget of this thread. */
export const loopBudget: LoopBudget = new LoopBudget()

/** Whose calls wait. */
interface Owner {
  /** Whether its waiting calls keep the process alive. */
  readonly keepsAlive: boolean
}

let waiting: (() => void)[] = []
let hasImmediate = false
let hasTimer = false

/**
 * Waits until the event loop has turned, then renews the budget. `owner` decides whether waiting keeps the process alive. Rejects with the
 * signal's reason when that comes first.
 */
export function nextLoopTurn(owner: Owner, signal: AbortSignal | undefined): Promise<void> {
  schedule(owner)
  return new Promise((resolve, reject) => {
    if (signal === undefined) return void waiting.push(resolve)
    if (signal.aborted) return void reject(signal.reason)
    const abort = () => reject(signal.reason)
    waiting.push(() => {
      offAbort(signal, abort)
      resolve()
    })
    onAbort(signal, abort)
  })
}

function schedule({ keepsAlive }: Owner): void {
  if (hasImmediate) return
  if (keepsAlive) {
    hasImmediate = true
    setImmediate(turned)
  } else if (!hasTimer) {
    // An immediate that does not keep the process alive would not end the loop's wait for events.
    hasTimer = true
    setTimeout(turnedByTimer, 1).unref()
  }
}

function turnedByTimer(): void {
  hasTimer = false
  resume()
}

function turned(): void {
  hasImmediate = false
  resume()
}

// Only resumes promises: no user code runs here.
function resume(): void {
  loopBudget.renew()
  const calls = waiting
  waiting = []
  for (const call of calls) call()
}
