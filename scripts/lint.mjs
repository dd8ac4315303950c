// npm run lint [-- --fix]: runs all static checks. A failed check does not stop the others.
import { spawnSync } from 'node:child_process'
import { install, installRawPeer } from './install.mjs'
import { layers } from './layers.mjs'
import { lockFilesAreSound } from './lock-files.mjs'
import { at, needCargo, passes, root, say, tool } from './util.mjs'

const fix = process.argv.includes('--fix')
const folders = ['src', '__test__', 'examples', 'packages']
const node = (...args) => passes(process.execPath, args)

const steps = {
  biome: () => node(tool.biome, 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])),
  'types: src, index.d.ts and the other entries': () => node(at('scripts', 'types.mjs')),
  // Tests of internals import `dist`. Its declarations suffice for type checks, so a fresh clone needs no build.
  'types: __test__': () =>
    node(tool.tsc, '-p', 'tsconfig.json', '--emitDeclarationOnly') && node(tool.tsc, '-p', '__test__', '--noEmit'),
  'types: examples': () => node(tool.tsc, '-p', 'examples', '--noEmit'),
  'types: packages/mail': () =>
    node(tool.tsc, '-p', 'packages/mail', '--emitDeclarationOnly') &&
    node(tool.tsc, '-p', 'packages/mail/__test__', '--noEmit'),
  // Runs after the type checks, because __test__ needs the declarations that they emit.
  'promises, conditions and layers': () => node(tool.eslint, ...folders),
  'layers of the crates': layers,
  rustfmt: () => passes('cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])]),
  clippy: () =>
    passes('cargo', [
      'clippy',
      '--workspace',
      '--lib',
      '--tests',
      '--examples',
      '--profile',
      'dev-release',
      '--',
      '-D',
      'warnings'
    ]),
  'unused dependencies': () => optional('cargo-machete', ['crates', 'models', 'bench'], 'cargo install cargo-machete'),
  'licences, sources and duplicates of crates': () =>
    optional(
      'cargo-deny',
      ['--log-level', 'error', 'check', 'licenses', 'sources', 'bans'],
      'cargo install cargo-deny'
    ),
  'lock files': lockFilesAreSound,
  'features of iroh': features,
  // Pinned actions, permissions, caches that a release would read.
  workflows: () => optional('zizmor', ['--offline', '--quiet', '.github/workflows'], 'pip install zizmor'),
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

/** Runs a tool that npm does not install. If it is missing, skips it, or fails in CI. */
function optional(command, args, install) {
  const { error } = spawnSync(command, ['--version'])
  if (!error) return passes(command, args)
  console.log(`${command} is not installed (${install}): skipped`)
  return !process.env.CI
}

/** Checks that iroh's default features stay off. Cargo.toml disables them, but a dependency on iroh can enable them again. */
function features() {
  const args = ['tree', '--edges', 'features', '--invert', 'iroh', '--target', 'all', '--prefix', 'none']
  const { stdout, status } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8' })
  const on = stdout.includes('iroh feature "default"')
  if (on) console.log(`iroh's default features are on:\n${stdout}`)
  return status === 0 && !on
}
