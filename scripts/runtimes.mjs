// npm run test:runtimes              the same tests on Bun, Deno and each Node.js; ends with 'N passed, N failed'
// npm run test:runtimes -- bun deno  only these runtimes
import { prepare } from './prepare.mjs'
import { installRuntime, runtimes } from './runtime.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, say } from './util.mjs'

const given = process.argv.slice(2)
closeWithCount()
await prepare({ tests: true, mail: true })
const here = { command: process.execPath, args: [] }
if (given.length === 0) await scenes(`node ${process.versions.node}`, here)
for (const name of given.length === 0 ? Object.keys(runtimes) : given) {
  const runtime = installRuntime(name)
  if (runtime) await scenes(name, runtime)
  else say(`${name} SKIPPED: npm could not install it`)
}

async function scenes(name, { command, args }) {
  say(name)
  const main = at('dist-test', 'runtimes', 'main.js')
  await suite(command, [...args, main, command, ...args], ownCount, 5)
  // fastn-mail: Node.js before 22.13 has a single scene, in which it reports its requirement.
  await suite(command, [...args, at('packages', 'mail', 'dist-test', 'runtimes', 'main.js')], ownCount, 5)
}
