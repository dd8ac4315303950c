/** Waits for a time, or for at most 15 s with `npm run test:faults -- --short`. */
export function waits(milliseconds: number): number {
  return process.env.FASTN_NET_FAULTS_SHORT === '1' ? Math.min(milliseconds, 15_000) : milliseconds
}
