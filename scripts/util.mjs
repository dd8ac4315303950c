// What every script here needs. Built-ins only: the scripts run before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const at = (...parts) => join(root, ...parts)
export const cache = at('node_modules', '.cache', 'fastn-net')

/** Ends the script with one sentence. */
export function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node.js 20.19 or newer is needed, this is ${process.versions.node}.`)

/** Runs a program to its end, its output shown. Ends the script when the program fails. */
export function run(command, args, options = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** As `run`, but says whether it went well. */
export function passes(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0
}

/**
 * Runs a program that lives on until it or the user ends it: Ctrl-C reaches it through the terminal, and its
 * exit code is ours.
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

/** Where the JavaScript of an installed tool is: started with node itself, so that it works without a shell. */
export const tool = {
  ava: at('node_modules', 'ava', 'entrypoints', 'cli.mjs'),
  biome: at('node_modules', '@biomejs', 'biome', 'bin', 'biome'),
  eslint: at('node_modules', 'eslint', 'bin', 'eslint.js'),
  napi: at('node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'),
  tsc: at('node_modules', 'typescript', 'bin', 'tsc'),
  typedoc: at('node_modules', 'typedoc', 'bin', 'typedoc')
}

/** Path, size and time of every file below the given ones: equal means nothing was touched. */
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

/** What `stamp` noted when the step was last done, while everything it made is still there. */
export function noted(step, outputs) {
  try {
    const note = JSON.parse(readFileSync(join(cache, `${step}.json`), 'utf8'))
    return outputs.every(path => existsSync(at(path))) ? note : undefined
  } catch {
    return undefined
  }
}

/** Notes that a step is done; `unstamp` before it starts, so that a step that was cut short is done again. */
export function stamp(step, note) {
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, `${step}.json`), JSON.stringify(note))
}

export function unstamp(step) {
  rmSync(join(cache, `${step}.json`), { force: true })
}

/** Names a step that takes time. */
export function say(what) {
  console.log(`› ${what}`)
}

/** The triple of this machine. `napi build` names it to cargo: tests that do not would compile every dependency a second time. */
export function hostTarget() {
  const { stdout } = spawnSync('rustc', ['-vV'], { encoding: 'utf8' })
  return (
    /^host: (.+)$/m.exec(stdout)?.[1] ?? fail('rustc does not say what machine this is: install Rust 1.91 or newer.')
  )
}

/** Makes a cargo in its usual place reachable, and ends with one sentence where there is none. */
export function needCargo() {
  const home = process.env.CARGO_HOME ?? join(process.env.HOME ?? process.env.USERPROFILE ?? '', '.cargo')
  const separator = process.platform === 'win32' ? ';' : ':'
  process.env.PATH = `${process.env.PATH}${separator}${join(home, 'bin')}`
  if (spawnSync('cargo', ['--version']).status !== 0) {
    fail('cargo was not found: install Rust 1.91 or newer (https://rustup.rs), open a new terminal and run this again.')
  }
}
