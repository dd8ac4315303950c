// What npm installs: the tools of the repository, and the tests' raw peer.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { at, noted, run, say, stamp } from './util.mjs'

/** `npm ci`, when `node_modules` is missing or older than `package.json` and the lock file. */
export function install() {
  // Whatever NODE_ENV and the user's npm leave out: these are the tools, and what they have for each platform.
  installIn('.', 'ci', '--include=dev', '--include=optional')
}

/**
 * Installs the tests' raw peer, `__test__/iroh`: a package of its own, so that `npm ci` works at the root. Its optional platform
 * packages were never all published, which `npm ci` does not accept; `--no-save` leaves its lock file as it is.
 */
export function installRawPeer() {
  installIn('__test__/iroh', 'install', '--no-save')
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
    const args = [...command, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    const npm = process.env.npm_execpath
    const options = { cwd: at(folder) }
    if (npm?.endsWith('npm-cli.js')) run(process.execPath, [npm, ...args], options)
    else run('npm', args, { ...options, shell: process.platform === 'win32' })
  }
  stamp(step, { inputs })
}
