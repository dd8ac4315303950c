/** Less than the shortest default timeout, 5 s: detects a call that ignores a shorter timeout. */
const mostMs = 3_500

/** Awaits a promise that must settle before the default timeouts. `what` names it in the failure. */
export async function prompt<T>(promise: Promise<T>, what: string): Promise<T> {
  const controller = new AbortController()
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} takes longer than ${mostMs} ms`)), mostMs)
    controller.signal.addEventListener('abort', () => clearTimeout(timer))
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    controller.abort()
  }
}
