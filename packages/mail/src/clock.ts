/** Clock of the mail service. Tests replace it to skip days. */
export interface Clock {
  /** Wall time, in milliseconds as from `Date.now()`. */
  now(): number
  /** Monotonic time, in milliseconds. */
  elapsed(): number
  /** Calls back once after a delay in milliseconds. The timer does not keep the process alive. */
  after(delay: number, call: () => void): Timer
}

/** A timer of a {@link Clock}. */
export interface Timer {
  /** Cancels the timer. */
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
 * Returns the jump of the wall clock since the last call, in milliseconds, for example after a manual change, NTP or suspend. Ignores
 * differences below a minute.
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
