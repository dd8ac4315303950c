/** As `setTimeout`, but no timer for `Infinity`: Node.js takes that, and all from 2^31 on, for 1 ms. */
export function after(ms: number, run: () => void): NodeJS.Timeout | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(run, ms)
}
