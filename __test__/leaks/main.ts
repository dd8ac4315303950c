// `npm run test:leaks`: each case in a new process, whose memory holds nothing else. Arguments: a divisor of the counts, and names of
// cases to run; without arguments, all cases.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Case, counts, type Result, type ThingName, type Way, ways } from './cases.js'

const [divisor = '1', ...only] = process.argv.slice(2)
const program = fileURLToPath(new URL('child.js', import.meta.url))

// Concurrent, because the cases mostly wait for things to end by themselves.
const lanes = 3

const cases = (Object.keys(counts) as ThingName[])
  .flatMap(thing => (Object.keys(ways) as Way[]).map(way => ({ thing, way })))
  .filter(({ thing, way }) => only.length === 0 || only.some(each => `${thing} ${way}`.includes(each)))
let [passed, failed] = [0, 0]
const lane = async () => {
  for (let next = cases.shift(); next !== undefined; next = cases.shift()) {
    const count = Math.ceil(counts[next.thing] / Number(divisor))
    const { summary, wrong } = await judge({ ...next, count, isWhole: count === counts[next.thing] })
    if (wrong.length === 0) passed++
    else failed++
    const lines = [`  ${wrong.length === 0 ? '✔' : '✘'} ${count} ${next.thing} ${next.way}: ${summary}`, ...wrong]
    console.log(lines.join('\n    '))
  }
}
await Promise.all(Array.from({ length: lanes }, lane))
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1

async function judge(what: Case): Promise<Result> {
  // Growth that depends on the moment, by tens of MiB: the space of V8's young objects, and a pool of glibc for each further thread.
  const args = ['--expose-gc', '--max-semi-space-size=1', '--enable-source-maps', program, JSON.stringify(what)]
  const env = { ...process.env, FASTN_NET_NETWORK: 'loopback', MALLOC_ARENA_MAX: '1' }
  const child = spawn(process.execPath, args, { env, timeout: 1_800_000, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code, signal]] = await Promise.all([
    text(child.stdout),
    // Warnings about collected objects are not printed: the cases leave objects open on purpose.
    text(child.stderr),
    once(child, 'exit')
  ])
  if (code === 0) return JSON.parse(out)
  return { summary: 'failed', wrong: [`ended with ${code ?? signal}: ${err.slice(-2000)}`] }
}
