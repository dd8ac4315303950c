// npm run lint [-- --fix]: everything that reads the code without running it. All of it runs; any failure fails.
import { spawnSync } from 'node:child_process'
import { install } from './prepare.mjs'
import { at, needCargo, passes, say, tool } from './util.mjs'

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
  'promises and conditions': () => node(tool.eslint, ...folders),
  rustfmt: () => passes('cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])]),
  clippy: () =>
    passes('cargo', ['clippy', '--workspace', '--lib', '--tests', '--profile', 'dev-release', '--', '-D', 'warnings']),
  typos
}

needCargo()
install()
const failed = []
for (const [name, step] of Object.entries(steps)) {
  say(name)
  if (!step()) failed.push(name)
}
if (failed.length > 0) {
  console.error(`lint failed: ${failed.join('; ')}`)
  process.exitCode = 1
}

function typos() {
  const { error } = spawnSync('typos', ['--version'])
  if (!error) return passes('typos', fix ? ['--write-changes'] : [])
  console.log('typos is not installed (pip install typos, or cargo install typos-cli): skipped')
  // Where nobody reads along, what was skipped is what was missed.
  return !process.env.CI
}
