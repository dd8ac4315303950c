/** Times of attempts, in milliseconds. */
export interface Schedule {
  /** Minimum delay after the first failure; the maximum is twice as long. Default: 30 s. */
  readonly firstDelay: number
  /** Maximum delay. Default: 4 h. */
  readonly longestDelay: number
  /** Age at which the sender is warned. Default: 4 h. */
  readonly warnAfter: number
  /** Age at which the mail bounces. Default: 5 days. */
  readonly bounceAfter: number
}

const hour = 3_600_000

export const defaultSchedule: Schedule = {
  firstDelay: 30_000,
  longestDelay: 4 * hour,
  warnAfter: 4 * hour,
  bounceAfter: 5 * 24 * hour
}

/**
 * Exponential backoff with jitter: doubles from the first delay to the maximum, minus a random part of up to half, so that senders do not
 * all retry a returning peer at once.
 */
export function backoff(
  failures: number,
  { firstDelay, longestDelay }: Schedule,
  random: () => number = Math.random
): number {
  const full = Math.min(longestDelay, firstDelay * 2 ** Math.min(failures, 40))
  return Math.round(full * (1 - random() / 2))
}

/** Caps an attempt's time at the next warning or bounce, both of which follow an attempt. */
export function notBehind(
  planned: number,
  now: number,
  { unwarned, any }: { unwarned: number | undefined; any: number | undefined },
  { warnAfter, bounceAfter }: Schedule
): number {
  const deadlines = [
    ...(unwarned === undefined ? [] : [unwarned + warnAfter]),
    ...(any === undefined ? [] : [any + bounceAfter])
  ].filter(time => time > now)
  return Math.min(planned, ...deadlines)
}
