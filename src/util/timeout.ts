/** Like `setTimeout`, but sets no timer for `Infinity`. Node.js would fire it after 1 ms, as any delay of 2^31 ms or more. */
export function after(ms: number, callback: () => void): NodeJS.Timeout | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(callback, ms)
}

/** Waits for work that cannot be cancelled. Rejects with the signal's reason once it aborts; the work continues. */
export async function abortable<T>(work: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Same, and rejects with `expired()` once it is past `until`, as from `performance.now()`. Keeps the process alive while it waits. */
export async function abortableUntil<T>(
  work: PromiseLike<T>,
  signal: AbortSignal | undefined,
  until: number,
  expired: () => unknown
): Promise<T> {
  const limit = deadline(Math.max(until - performance.now(), 0))
  const late = limit.passed.then(() => {
    throw expired()
  })
  try {
    return await abortable(Promise.race([work, late]), signal)
  } finally {
    limit.stop()
  }
}

/** A pause of `ms` milliseconds, which the signal ends with its reason. */
export async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const pause = deadline(ms)
  try {
    await abortable(pause.passed, signal)
  } finally {
    pause.stop()
  }
}

export interface Deadline {
  hasPassed: boolean
  /** Resolves when the deadline passes. */
  passed: Promise<void>
  /** Stops the timer. */
  stop: () => void
}

/** Starts a deadline of `ms` milliseconds. */
export function deadline(ms: number): Deadline {
  const result: Deadline = { hasPassed: false, passed: Promise.resolve(), stop: () => {} }
  result.passed = new Promise<void>(resolve => {
    const timer = after(ms, () => {
      result.hasPassed = true
      resolve()
    })
    result.stop = () => clearTimeout(timer)
  })
  return result
}
