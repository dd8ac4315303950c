// `npm run test:exits`: a matrix of ways and moments in which a program ends, each in its own process. A program must end as asked, in
// time, and print nothing else. At the end, the server must be as before.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createEndpoint } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { Random } from '../model/program.js'
import { steps, type Way, ways } from './ways.js'

const [times = '20', concurrency = '4', seed] = process.argv.slice(2)
/** Arguments: runs of each way, how many at a time, and a seed of random moments; without one they are the same each time. */
const random = seed === undefined ? undefined : new Random(Number(seed))
const limit = 120_000
const program = fileURLToPath(new URL('child.js', import.meta.url))

const server = await createEndpoint({ network: 'loopback' })
server.listen(
  { Echo: stream => duplex(stream).pipe(duplex(stream)), Never: stream => stream.closed },
  // Programs that end leave half-done streams behind.
  { onError: () => {} }
)
server.serve('add', ({ a, b }: { a: number; b: number }) => a + b)
server.serveHttp(() => new Response('served'))
const address = JSON.stringify(server.address())

let [passed, failed] = [0, 0]
for (const way of Object.keys(ways) as Way[]) {
  const runs = Array.from({ length: Number(times) }, (_, at) => (random === undefined ? inTurn(at) : anyMoment(random)))
  const wrong: string[] = []
  const worker = async () => {
    for (let next = runs.pop(); next !== undefined; next = runs.pop()) {
      const found = await judge(way, next)
      if (found !== undefined) wrong.push(`step ${next.step}, ${next.turns} turns, ${next.ms} ms: ${found}`)
    }
  }
  await Promise.all(Array.from({ length: Number(concurrency) }, worker))
  if (wrong.length === 0) passed++
  else failed++
  console.log(
    `  ${wrong.length === 0 ? '✔' : '✘'} ${way}, ${times} times${wrong.map(each => `\n    ${each}`).join('')}`
  )
}
console.log(`${passed} passed, ${failed} failed`)
await server.close()
if (failed > 0) process.exitCode = 1

/** When a program ends: this many turns of the event loop and milliseconds after the step. */
interface Moment {
  readonly step: number
  readonly turns: number
  readonly ms: number
}

function inTurn(at: number): Moment {
  return { step: at % steps, turns: Math.floor(at / steps) % 5, ms: 0 }
}

function anyMoment(random: Random): Moment {
  // Most of the pending calls settle within a few milliseconds.
  return { step: random.below(steps), turns: random.below(40), ms: random.below(2) * random.below(60) }
}

/** Runs one program. Returns how its end differs from the expected one, if it does. */
async function judge(way: Way, { step, turns, ms }: Moment): Promise<string | undefined> {
  const { FASTN_NET_LOG: _, ...rest } = process.env
  const env = { ...rest, FASTN_NET_NETWORK: 'loopback' }
  const child = spawn(process.execPath, [program, address, way, String(step), String(turns), String(ms)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let [stdout, stderr, late] = ['', '', false]
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
    if (stdout.endsWith('ready\n') && way === 'signal') setTimeout(() => child.kill('SIGTERM'), ms)
    if (stdout.endsWith('ready\n') && way === 'kill') setTimeout(() => child.kill('SIGKILL'), ms)
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, limit)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(resolve =>
    child.once('close', (...how) => resolve(how))
  )
  clearTimeout(timer)
  if (late) return `still ran after ${limit / 1000} s, with '${stdout}'`
  const expected = ways[way]
  if (code !== expected.code || signal !== expected.signal)
    return `ended with ${code ?? signal}: ${stderr.slice(-1000)}`
  if (stdout !== expected.stdout) return `printed '${stdout}'`
  // The first lines of Node's report of an uncaught error show the source.
  if (expected.error ? !/Error: as planned/.test(stderr) || /panicked|ERR_/.test(stderr) : stderr !== '')
    return `printed to stderr: ${stderr.slice(-1000)}`
  return undefined
}
