/** As `setTimeout`, but no timer for `Infinity`: Node.js takes that, and all from 2^31 on, for 1 ms. */
export function after(ms: number, run: () => void): NodeJS.Timeout | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(run, ms)
}

/** The outcome of work that cannot be cancelled; rejects with the signal's reason if that comes first. The work goes on. */
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

/** A time limit to wait for, and to stop waiting for. */
export interface Deadline {
  isOver: boolean
  over: Promise<void>
  stop: () => void
}

/** Starts a time limit of `ms` milliseconds. */
export function deadline(ms: number): Deadline {
  const time: Deadline = { isOver: false, over: Promise.resolve(), stop: () => {} }
  time.over = new Promise<void>(resolve => {
    const id = after(ms, () => {
      time.isOver = true
      resolve()
    })
    time.stop = () => clearTimeout(id)
  })
  return time
}
