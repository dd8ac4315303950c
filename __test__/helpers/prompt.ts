/** Below the default time-outs, the shortest of which is 5 s: a call that ignores a shorter one is noticed. */
const mostMs = 3_500

/** The outcome of a promise, which must settle well before the default time-outs. `what` names it in the failure. */
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
