/** Time as the mail service sees it. Tests give their own, in which days pass at once. */
export interface Clock {
  /** Wall time, in milliseconds as from `Date.now()`. */
  now(): number
  /** Time that never jumps, in milliseconds. */
  elapsed(): number
  /** Calls back once after a delay in milliseconds. The timer does not keep the process alive. */
  after(delay: number, call: () => void): Timer
}

/** A timer of a {@link Clock}. */
export interface Timer {
  /** Ends the timer. */
  cancel(): void
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delay, call) {
    const timer = setTimeout(call, Math.min(delay, 2 ** 31 - 1)).unref()
    return { cancel: () => clearTimeout(timer) }
  }
}

/**
 * Tells how far the wall clock has jumped since the last call, in milliseconds: set by hand, by NTP, or a machine that slept. Differences
 * of less than a minute are no jumps.
 */
export function jumpDetector(clock: Clock): () => number {
  let [wall, steady] = [clock.now(), clock.elapsed()]
  return () => {
    const [wallNow, steadyNow] = [clock.now(), clock.elapsed()]
    const jump = wallNow - wall - (steadyNow - steady)
    wall = wallNow
    steady = steadyNow
    return Math.abs(jump) < 60_000 ? 0 : jump
  }
}
