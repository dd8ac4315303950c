// Installs other runtimes for tests from npm.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, noted, say, stamp } from './util.mjs'

// npm packages, so that any npm registry can provide them. Not devDependencies, because each is 100 MB.
export const runtimes = {
  bun: { package: 'bun@1', args: ['run'] },
  deno: { package: 'deno@2', args: ['run', '--allow-all'] },
  node22: { package: 'node@22', program: 'node', args: [] },
  node24: { package: 'node@24', program: 'node', args: [] },
  node26: { package: 'node@26', program: 'node', args: [] }
}

/** Installs a runtime. Returns its program and the arguments before a file; `undefined` if npm could not install it. */
export function installRuntime(name) {
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
