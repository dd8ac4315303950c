// Shared by all scripts. Uses built-in modules only, because scripts run before npm packages are installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const at = (...parts) => join(root, ...parts)
export const cache = at('node_modules', '.cache', 'fastn-net')

/** Entries of the package besides the main one: folders of `src` with an `index.ts`. package.json, typedoc.json and eslint.config.js list them too. */
export const subpaths = ['node', 'account', 'router', 'rig']

/** Prints one sentence and exits with code 1. */
export function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node.js 20.19 or newer is required; this is ${process.versions.node}.`)

/** Runs a program to completion and shows its output. Exits if the program fails. */
export function run(command, args, options = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`cannot start ${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** Like `run`, but returns whether the program succeeded. */
export function passes(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0
}

/**
 * Runs a long-lived program until it exits. Ctrl-C reaches it through the terminal. Its exit code becomes this process's.
 */
export async function become(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (...how) => resolve(how))
  })
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
}

/** Entry points of the installed tools. They start with node directly, so they need no shell. */
export const tool = {
  ava: at('node_modules', 'ava', 'entrypoints', 'cli.mjs'),
  biome: at('node_modules', '@biomejs', 'biome', 'bin', 'biome'),
  eslint: at('node_modules', 'eslint', 'bin', 'eslint.js'),
  napi: at('node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'),
  tsc: at('node_modules', 'typescript', 'bin', 'tsc'),
  typedoc: at('node_modules', 'typedoc', 'bin', 'typedoc')
}

/** Hashes path, size and mtime of every file below the given paths. Equal hashes mean unchanged files. */
export function fingerprint(...paths) {
  const hash = createHash('sha256')
  const add = path => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) return
    if (!stat.isDirectory()) return hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`)
    for (const name of readdirSync(path).sort()) {
      if (!['generated', 'node_modules', 'target'].includes(name)) add(join(path, name))
    }
  }
  for (const path of paths) add(at(path))
  return hash.digest('hex')
}

/** Returns the note of the last `stamp` of a step, if all its outputs still exist. */
export function noted(step, outputs) {
  try {
    const note = JSON.parse(readFileSync(join(cache, `${step}.json`), 'utf8'))
    return outputs.every(path => existsSync(at(path))) ? note : undefined
  } catch {
    return undefined
  }
}

/** Records that a step is done. Call `unstamp` before the step, so that an interrupted step runs again. */
export function stamp(step, note) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, `${step}.json`), JSON.stringify(note))
}

export function unstamp(step) {
  rmSync(join(cache, `${step}.json`), { force: true })
}

/** Prints the name of a slow step. */
export function say(what) {
  console.log(`› ${what}`)
}

/** Returns this machine's target triple. `napi build` passes it to cargo; tests without it would recompile every dependency. */
export function hostTarget() {
  const { stdout } = spawnSync('rustc', ['-vV'], { encoding: 'utf8' })
  return /^host: (.+)$/m.exec(stdout)?.[1] ?? fail('rustc does not report its host: install Rust 1.91 or newer.')
}

/** Adds cargo's default folder to the PATH. Exits with one sentence if cargo is missing. */
export function needCargo() {
  const home = process.env.CARGO_HOME ?? join(process.env.HOME ?? process.env.USERPROFILE ?? '', '.cargo')
  const separator = process.platform === 'win32' ? ';' : ':'
  process.env.PATH = `${process.env.PATH}${separator}${join(home, 'bin')}`
  if (spawnSync('cargo', ['--version']).status !== 0) {
    fail('cargo was not found: install Rust 1.91 or newer (https://rustup.rs), open a new terminal and run this again.')
  }
}
