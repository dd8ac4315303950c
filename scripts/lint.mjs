// npm run lint [-- --fix]: everything that reads the code without running it. All of it runs; any failure fails.
import { spawnSync } from 'node:child_process'
import { install, installRawPeer } from './install.mjs'
import { at, needCargo, passes, root, say, tool } from './util.mjs'

const fix = process.argv.includes('--fix')
const folders = ['src', '__test__', 'examples']
const node = (...args) => passes(process.execPath, args)

const steps = {
  biome: () => node(tool.biome, 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])),
  'types: src, index.d.ts, node.d.ts': () => node(at('scripts', 'types.mjs')),
  // Tests of internals import what is built; for their types its declarations are enough, also on a fresh clone.
  'types: __test__': () =>
    node(tool.tsc, '-p', 'tsconfig.json', '--emitDeclarationOnly') && node(tool.tsc, '-p', '__test__', '--noEmit'),
  'types: examples': () => node(tool.tsc, '-p', 'examples', '--noEmit'),
  // Behind the types: what it reads of __test__ are declarations that were just made.
  'promises, conditions and layers': () => node(tool.eslint, ...folders),
  rustfmt: () => passes('cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])]),
  clippy: () =>
    passes('cargo', ['clippy', '--workspace', '--lib', '--tests', '--profile', 'dev-release', '--', '-D', 'warnings']),
  'unused dependencies': () => optional('cargo-machete', [], 'cargo install cargo-machete'),
  'features of iroh': features,
  typos: () => optional('typos', fix ? ['--write-changes'] : [], 'pip install typos, or cargo install typos-cli')
}

needCargo()
install()
installRawPeer()
const failed = []
for (const [name, step] of Object.entries(steps)) {
  say(name)
  if (!step()) failed.push(name)
}
if (failed.length > 0) {
  console.error(`lint failed: ${failed.join('; ')}`)
  process.exitCode = 1
}

/** A tool that npm does not bring. Without it a newcomer's lint goes on; in CI, where nobody reads along, it fails. */
function optional(command, args, install) {
  const { error } = spawnSync(command, ['--version'])
  if (!error) return passes(command, args)
  console.log(`${command} is not installed (${install}): skipped`)
  return !process.env.CI
}

/** Cargo.toml turns iroh's default features off; a dependency that uses iroh too can turn them on again. */
function features() {
  const args = ['tree', '--edges', 'features', '--invert', 'iroh', '--target', 'all', '--prefix', 'none']
  const { stdout, status } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8' })
  const on = stdout.includes('iroh feature "default"')
  if (on) console.log(`iroh's default features are on:\n${stdout}`)
  return status === 0 && !on
}
