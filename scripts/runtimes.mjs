// npm run test:runtimes              the same tests on Bun, Deno and each Node.js; ends with 'N passed, N failed'
// npm run test:runtimes -- bun deno  only these runtimes
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, cache, noted, say, stamp } from './util.mjs'

// npm packages, so that any npm registry can provide them. Not devDependencies, because each is 100 MB.
const runtimes = {
  bun: { package: 'bun@1', args: ['run'] },
  deno: { package: 'deno@2', args: ['run', '--allow-all'] },
  node22: { package: 'node@22', program: 'node', args: [] },
  node24: { package: 'node@24', program: 'node', args: [] },
  node26: { package: 'node@26', program: 'node', args: [] }
}

const given = process.argv.slice(2)
closeWithCount()
await prepare({ tests: true })
const here = { command: process.execPath, args: [] }
if (given.length === 0) await scenes(`node ${process.versions.node}`, here)
for (const name of given.length === 0 ? Object.keys(runtimes) : given) {
  const runtime = installed(name)
  if (runtime) await scenes(name, runtime)
  else say(`${name} SKIPPED: npm could not install it`)
}

async function scenes(name, { command, args }) {
  say(name)
  const main = at('dist-test', 'runtimes', 'main.js')
  await suite(command, [...args, main, command, ...args], ownCount, 5)
}

function installed(name) {
  const { package: from, program = name, args } = runtimes[name]
  const folder = join(cache, 'runtimes', name)
  const command = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? `${program}.cmd` : program)
  if (noted(`runtime-${name}`, [])?.from !== from || !existsSync(command)) {
    say(`npm install ${from}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const npm = ['install', '--no-audit', '--no-fund', '--loglevel=error', from]
    spawnSync('npm', npm, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' })
    // Some packages download their binary on first start.
    if (spawnSync(command, ['--version'], { stdio: 'inherit' }).status !== 0) return undefined
    stamp(`runtime-${name}`, { from })
  }
  return { command, args }
}
