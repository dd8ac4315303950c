/** Like `setTimeout`, but sets no timer for `Infinity`. Node.js would fire it after 1 ms, as any delay of 2^31 ms or more. */
export function after(ms: number, callback: () => void): NodeJS.Timeout | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(callback, ms)
}

/** Waits for work that cannot be cancelled. Rejects with the signal's reason once it aborts; the work continues. */
export async function whileWanted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
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
