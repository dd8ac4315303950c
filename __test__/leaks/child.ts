// One case, in rounds of the same size. After each round, native handles, file descriptors and threads are as before. Memory does not
// grow over the rounds. Argument: the case, as JSON.
import { type Case, type Result, ways } from './cases.js'
import { type Counts, counted, growth, type Memory, memory, settled } from './measure.js'
import { things } from './things.js'

const mebibyte = 1024 * 1024

const { thing, way, count, isWhole } = JSON.parse(process.argv[2] as string) as Case
const { closes, holds } = ways[way]
const rounds = isWhole ? 12 : 4
/**
 * Growth that is not a leak, from the second quarter of the rounds on. The first rounds compile code and fill the allocator's pools, and
 * a short run ends before that. In a whole run, 150 bytes per stream exceed the limit, or 80 KiB per endpoint.
 */
const rss = (isWhole ? 8 : 24) * mebibyte
const limits: Memory = { rss, heap: mebibyte / 2 }
const size = Math.ceil(count / rounds)
const { round, end, isIdle, endsOnlyWithOwner = false, keepsHandle = false } = things[thing]({ closes, holds }, size)
const wrong: string[] = []
const samples: Memory[] = []
const began = performance.now()
// Waiting for the end of a connection does not keep a process alive.
setInterval(() => {}, 60_000)
// Started once per process: the runtime's threads, owners, and code that the first objects load.
let before: Counts | undefined
await once(size)
before = counted()
for (let at = 0; at < rounds && wrong.length === 0; at++) await once(size)
for (const name of ['rss', 'heap'] as const) {
  const grown = growth(samples.slice(rounds / 4).map(sample => sample[name]))
  if (grown > limits[name])
    wrong.push(`${name} grew by ${mib(grown)}: ${samples.map(each => mib(each[name])).join(', ')}`)
}
const summary = `${Math.round((performance.now() - began) / 1000)} s, RSS ${samples.map(({ rss }) => mib(rss)).join(' ')}`
process.stdout.write(JSON.stringify({ summary, wrong } satisfies Result), () => process.exit())

async function once(count: number): Promise<void> {
  let held: readonly unknown[] | undefined = await round(count)
  if (!holds) held = undefined
  if (!closes && (holds || endsOnlyWithOwner)) await end()
  // A stream with an unread end keeps its handle, to report the end. Nothing else is left.
  if (holds) wrong.push(...(await settled(before, isIdle, keepsHandle || !closes)))
  if (holds && (held?.length ?? 0) < count) wrong.push(`${held?.length} of ${count} were held`)
  held = undefined
  wrong.push(...(await settled(before, isIdle)))
  const sample = await memory()
  if (before !== undefined) samples.push(sample)
}

function mib(bytes: number): string {
  return (bytes / mebibyte).toFixed(1)
}
