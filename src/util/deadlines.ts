/** Something that waits, up to a point in time. */
export interface Expiring {
  /** When, as from `performance.now()`. */
  readonly expiresAt: number
  /** Called once it is past that time, unless it was removed before. */
  expire(): void
}

const waiting = new Set<Expiring>()
let timer: NodeJS.Timeout | undefined
// When the timer fires.
let firesAt = Number.POSITIVE_INFINITY

/** Waits for a deadline. All deadlines share one timer, which does not keep the process alive: cheaper than a timer each. */
export function addDeadline(item: Expiring): void {
  waiting.add(item)
  if (item.expiresAt < firesAt) arm(item.expiresAt)
}

/** Stops waiting for a deadline. Leaves the timer: most items settle long before it fires. */
export function removeDeadline(item: Expiring): void {
  waiting.delete(item)
}

function arm(at: number): void {
  clearTimeout(timer)
  firesAt = at
  if (at === Number.POSITIVE_INFINITY) return
  timer = setTimeout(sweep, Math.max(Math.ceil(at - performance.now()), 1)).unref()
}

function sweep(): void {
  const now = performance.now()
  let next = Number.POSITIVE_INFINITY
  const expired: Expiring[] = []
  for (const item of waiting) {
    if (item.expiresAt <= now) expired.push(item)
    else if (item.expiresAt < next) next = item.expiresAt
  }
  arm(next)
  for (const item of expired) {
    waiting.delete(item)
    item.expire()
  }
}
