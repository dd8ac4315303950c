// Open resources and memory of this process.
import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { native } from '../../dist/modules/native/addon.js'

/** File descriptors and threads are counted on Linux only. */
export interface Counts {
  readonly 'native handles': number
  readonly 'file descriptors': number
  readonly threads: number
}

/** Bytes, after a collection. */
export interface Memory {
  readonly rss: number
  readonly heap: number
}

const gc = globalThis.gc as () => void
/** Objects that were left open are released up to a second late; idle threads of the runtime end after ten seconds. */
const patience = 60_000

// Node.js starts all of its file system threads together.
await readdir('.')

export function counted(): Counts {
  const linux = process.platform === 'linux'
  return {
    'native handles': native().handleCount(),
    'file descriptors': linux ? readdirSync('/proc/self/fd').length : 0,
    threads: linux ? readdirSync('/proc/self/task').length : 0
  }
}

/**
 * Collects garbage until no more than `before` is open, and `isIdle` holds. Without `before`, for two seconds, in which everything ends
 * that ends by itself. Returns what is still open after a minute. `keepsHandles`: native handles do not count.
 */
export async function settled(
  before: Counts | undefined,
  isIdle: () => boolean,
  keepsHandles = false
): Promise<string[]> {
  const began = performance.now()
  for (; ; await pause(20)) {
    gc()
    const more = before === undefined ? [] : grown(before, counted(), keepsHandles)
    const took = performance.now() - began
    if (more.length === 0 && isIdle() && (before !== undefined || took > 2_000)) return []
    if (took > patience) return [...more, ...(isIdle() ? [] : ['it is not idle']), `threads: ${threads().join(', ')}`]
  }
}

function grown(before: Counts, now: Counts, keepsHandles: boolean): string[] {
  const names = Object.keys(before) as (keyof Counts)[]
  const looked = keepsHandles ? names.filter(name => name !== 'native handles') : names
  return looked.filter(name => now[name] > before[name]).map(name => `${before[name]} → ${now[name]} ${name}`)
}

/** Names of this process's threads. */
function threads(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/task').map(task => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim())
}

export async function memory(): Promise<Memory> {
  gc()
  await pause(50)
  gc()
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heap: heapUsed }
}

/**
 * Growth from the first value to the last: the median slope of all pairs (Theil and Sen). Whether the allocator has just returned a pool of
 * 20 MiB to the system or not makes any two values differ, but not most pairs.
 */
export function growth(values: readonly number[]): number {
  const slopes = values.flatMap((later, at) =>
    values.slice(0, at).map((earlier, from) => (later - earlier) / (at - from))
  )
  slopes.sort((left, right) => left - right)
  const middle = (slopes.length - 1) / 2
  const median = ((slopes[Math.floor(middle)] ?? 0) + (slopes[Math.ceil(middle)] ?? 0)) / 2
  return median * (values.length - 1)
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
