import type { Sample } from './child.js'

/** One invariant, and its result. */
export interface Verdict {
  readonly what: string
  readonly holds: boolean
}

const mib = 1024 * 1024

/**
 * Whether a process stays constant under a constant load.
 *
 * The first fifth is warm-up, at least a minute if the run is long enough: pools, windows and compiled code fill. The rest is divided
 * into thirds, and the median of the first is compared with that of the last, so that no single spike decides. A leak of 100 bytes per
 * request would grow by 100 × the requests between the middles of these two thirds: that is the limit. Below 8 MiB, allocator noise is
 * larger, so a run with fewer than 84,000 requests in between is judged by 8 MiB. Memory is sampled after a collection.
 */
export function judge(name: string, all: readonly Sample[]): Verdict[] {
  const warm = Math.min(Math.floor(all.length / 3), Math.max(60, Math.floor(all.length / 5)))
  const samples = all.slice(warm)
  const third = Math.floor(samples.length / 3)
  if (third < 5) return [{ what: `${name}: ${all.length} samples are too few to judge`, holds: false }]
  const [first, last] = [samples.slice(0, third), samples.slice(-third)]
  const of = (field: 'rss' | 'heap' | 'handles' | 'fds' | 'ended', window: readonly Sample[]) =>
    median(window.map(sample => sample[field]))
  const between = of('ended', last) - of('ended', first)
  const limit = Math.max(8 * mib, 100 * between)
  const memory = (field: 'rss' | 'heap', what: string): Verdict => {
    const [from, to] = [of(field, first), of(field, last)]
    const numbers = `${(from / mib).toFixed(1)} → ${(to / mib).toFixed(1)} MiB, limit +${(limit / mib).toFixed(1)}`
    return { what: `${name}: ${what} ${numbers} over ${between} requests`, holds: to - from <= limit }
  }
  const count = (field: 'handles' | 'fds', what: string, more: number): Verdict => {
    const [from, to] = [of(field, first), of(field, last)]
    return { what: `${name}: ${what} ${from} → ${to}, limit +${more}`, holds: to - from <= more }
  }
  return [
    memory('rss', 'RSS'),
    memory('heap', 'JavaScript heap'),
    // As many as may be in progress at one moment and not at another.
    count('handles', 'native handles', 100),
    count('fds', 'file descriptors', 20)
  ]
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}
