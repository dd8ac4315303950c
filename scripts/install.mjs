// Installs npm packages: the repository's tools and the tests' raw peer.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { at, noted, run, say, stamp } from './util.mjs'

/** Runs `npm ci` if `node_modules` is missing or older than `package.json` and the lock file. */
export function install() {
  // NODE_ENV and the user's npm configuration may omit the tools (dev) and their platform packages (optional).
  installIn('.', 'ci', '--include=dev', '--include=optional')
}

/**
 * Installs the tests' raw peer, `__test__/iroh`. It is a separate package, so that `npm ci` works at the root: some of its optional
 * platform packages were never published, and `npm ci` rejects that. `--no-save` keeps its lock file unchanged.
 */
export function installRawPeer() {
  installIn('__test__/iroh', 'install', '--no-save')
}

/** Installs the oldest supported TypeScript, `__test__/typescript`. */
export function installOldestCompiler() {
  installIn('__test__/typescript', 'ci')
}

/** Installs the libraries that the tests run over peers, `__test__/ecosystem`. */
export function installEcosystem() {
  installIn('__test__/ecosystem', 'ci', '--omit=optional')
}

/**
 * Installs the tested bundlers, `__test__/bundlers`. Some install their binary in a script. Not `npm ci`: one has an optional package
 * that was never published.
 */
export function installBundlers() {
  installIn('__test__/bundlers', 'install', '--no-save', '--ignore-scripts=false')
}

/** Installs the tested test runners and loaders, `__test__/environments`. Not `npm ci`, as for the bundlers. */
export function installEnvironments() {
  installIn('__test__/environments', 'install', '--no-save', '--ignore-scripts=false')
}

/** Installs the registry and the package managers of a rehearsal, `__test__/release`. */
export function installRelease() {
  installIn('__test__/release', 'ci', '--ignore-scripts=false')
}

/** Installs the compiler for the published addon of Linux x64, `scripts/release/toolchain`. */
export function installToolchain() {
  installIn('scripts/release/toolchain', 'ci')
}

function installIn(folder, ...command) {
  const files = ['package.json', 'package-lock.json'].map(name => join(folder, name))
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(at(file)))
  const inputs = hash.digest('hex')
  const installed = join(folder, 'node_modules', '.package-lock.json')
  const step = folder === '.' ? 'install' : `install-${folder.replaceAll('/', '-')}`
  if (noted(step, [installed])?.inputs === inputs) return
  const time = path => statSync(at(path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (time(installed) <= Math.max(...files.map(time))) {
    say(`npm ${command[0]}${folder === '.' ? '' : ` in ${folder}`}`)
    const args = ['--ignore-scripts', ...command, '--no-audit', '--no-fund', '--loglevel=error']
    const npm = process.env.npm_execpath
    const options = { cwd: at(folder) }
    if (npm?.endsWith('npm-cli.js')) run(process.execPath, [npm, ...args], options)
    else run('npm', args, { ...options, shell: process.platform === 'win32' })
  }
  stamp(step, { inputs })
}
