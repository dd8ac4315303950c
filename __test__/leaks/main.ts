// `npm run test:leaks`: each case in a process of its own, whose memory nothing else has touched. Arguments: a divisor of the counts, and
// names of cases to run, all without.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Case, counts, type Result, type ThingName, type Way, ways } from './cases.js'

const [divisor = '1', ...only] = process.argv.slice(2)
const program = fileURLToPath(new URL('child.js', import.meta.url))

let [passed, failed] = [0, 0]
for (const thing of Object.keys(counts) as ThingName[])
  for (const way of Object.keys(ways) as Way[]) {
    const name = `${thing} ${way}`
    if (only.length > 0 && !only.some(each => name.includes(each))) continue
    const count = Math.ceil(counts[thing] / Number(divisor))
    const { took, wrong } = judge({ thing, way, count, isWhole: count === counts[thing] })
    if (wrong.length === 0) passed++
    else failed++
    console.log(`  ${wrong.length === 0 ? '✔' : '✘'} ${count} ${name}: ${took}`)
    for (const each of wrong) console.log(`    ${each}`)
  }
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1

function judge(what: Case): { took: string; wrong: readonly string[] } {
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ['--expose-gc', '--enable-source-maps', program, JSON.stringify(what)],
    { encoding: 'utf8', timeout: 900_000, env: { ...process.env, FASTN_NET_NETWORK: 'loopback' } }
  )
  if (status !== 0) return { took: 'failed', wrong: [`ended with ${status ?? signal}: ${stderr.slice(-2000)}`] }
  const { summary, wrong }: Result = JSON.parse(stdout)
  // What a collected object warns of is not printed here: the cases leave things on purpose.
  return { took: summary, wrong }
}
