/** Times of attempts, in milliseconds. */
export interface Schedule {
  /** Least delay after the first failure; at most twice as much. Default: 30 s. */
  readonly firstDelay: number
  /** Longest delay. Default: 4 h. */
  readonly longestDelay: number
  /** When the sender is warned. Default: 4 h. */
  readonly warnAfter: number
  /** When the mail goes back to its sender. Default: 5 days. */
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
 * Delay after a number of failures: doubles from the first delay to the longest, less a random part of up to a half, so that peers that
 * come back are not asked by all at once.
 */
export function backoff(
  failures: number,
  { firstDelay, longestDelay }: Schedule,
  random: () => number = Math.random
): number {
  const full = Math.min(longestDelay, firstDelay * 2 ** Math.min(failures, 40))
  return Math.round(full * (1 - random() / 2))
}

/** An attempt's time: as planned, but not behind the next time at which a sender is warned or a mail goes back, which follows an attempt. */
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
