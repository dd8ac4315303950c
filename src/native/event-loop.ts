import { offAbort, onAbort } from '../util/abort.js'
import { setImmediate, setTimeout } from '../util/timers.js'

const now = performance.now.bind(performance)

/** How long calls may complete since the addon's last wake, or a turn, in milliseconds. */
const sliceMs = 5
/** After this time without a turn that was noticed, in milliseconds, the next one is. */
const noticeMs = 5
/** How long calls may complete from then on, in milliseconds. */
const latestMs = 15
/** Units between two looks at the clock. */
const unitsPerLook = 32
/** A call costs one unit, and one more for each 4 KiB. */
const unitShift = 12

/**
 * Time for calls that complete without waiting. Their promises settle in microtasks, which run before timers, signals and other peers: a
 * peer that sends as fast as a loop reads would otherwise stop the event loop for ever. When the time is over, the next call waits for
 * {@link nextLoopTurn}, as it would for bytes.
 *
 * A wake by the addon renews the slice, so that requests do not wait. But it is no turn: Node.js delivers up to 1,000 wakes in one.
 */
class LoopBudget {
  #units = unitsPerLook
  /** End of the slice. 0: it begins with the next look. */
  #endsAt = 0
  /** When a turn must be noticed, and once that was requested, when calls must wait for it. */
  #dueAt = 0
  #isRequested = false

  /** Counts a call that has completed. */
  take(bytes: number): void {
    this.#units -= 1 + (bytes >>> unitShift)
  }

  /** Whether the next call must wait for {@link nextLoopTurn}. One that has waited completes in any case. */
  isSpent(): boolean {
    return this.#units <= 0 && this.#look()
  }

  /** The addon has woken this thread: no earlier call holds it up. */
  woken(): void {
    this.#endsAt = 0
  }

  /** The event loop has turned. */
  turned(): void {
    const time = now()
    this.#units = unitsPerLook
    this.#endsAt = time + sliceMs
    this.#dueAt = time + noticeMs
    this.#isRequested = false
  }

  #look(): boolean {
    const time = now()
    if (this.#endsAt === 0) this.#endsAt = time + sliceMs
    else if (time >= this.#endsAt) return true
    if (time >= this.#dueAt) {
      if (this.#isRequested) return true
      this.#isRequested = true
      this.#dueAt = time + latestMs
      // Without a reference, it neither shortens the loop's wait for events nor keeps the process alive.
      setImmediate(noticed).unref()
    }
    this.#units = unitsPerLook
    return false
  }
}

/** The budget of this thread. */
export const loopBudget: LoopBudget = new LoopBudget()
const noticed = () => loopBudget.turned()

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
  loopBudget.turned()
  const calls = waiting
  waiting = []
  for (const call of calls) call()
}
