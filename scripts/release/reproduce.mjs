// Checks that the addon of Linux x64 is reproducible: builds it twice in two folders, with two cargo homes, or once to compare with an
// existing one. Each build starts from scratch, from the committed source.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { napiBuild } from '../prepare.mjs'
import { at, fail, root, say } from '../util.mjs'
import { differences } from './differences.mjs'

const target = 'x86_64-unknown-linux-gnu'
const name = 'fastn-net.linux-x64-gnu.node'

/**
 * Returns whether the builds are equal, byte for byte. Prints their SHA-256 and their differences.
 *
 * @param {object} options
 * @param {string | undefined} options.addon An addon to compare with, such as a published one.
 * @param {string[]} options.args Arguments for `napi build` with which the addon was built.
 */
export function reproduce({ addon, args }) {
  if (process.platform !== 'linux' || process.arch !== 'x64') fail('the addon of Linux x64 is built again on Linux x64')
  const { stdout: dirty } = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' })
  if (dirty !== '') say('what is not committed is left out')
  const home = mkdtempSync(join(tmpdir(), 'fastn-net-reproduce-'))
  try {
    const builds = addon === undefined ? [] : [{ title: addon, bytes: readFileSync(addon) }]
    for (const folder of ['a', join('another', 'and-longer')].slice(builds.length)) {
      say(`build in ${join(home, folder)}`)
      builds.push({ title: folder, bytes: build(join(home, folder), args) })
    }
    for (const { title, bytes } of builds)
      console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${bytes.length} bytes  ${title}`)
    const [{ bytes: one }, { bytes: other }] = builds
    for (const line of differences(one, other)) console.log(line)
    return one.equals(other)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Builds the addon in a new copy of the committed source, and returns it. */
function build(folder, args) {
  mkdirSync(folder, { recursive: true })
  const copy = spawnSync('sh', ['-c', 'git archive HEAD | tar -x -C "$0"', folder], { cwd: root, stdio: 'inherit' })
  if (copy.status !== 0) fail('git archive failed')
  // napi requires its own package.
  symlinkSync(at('node_modules'), join(folder, 'node_modules'))
  const env = { ...process.env, CARGO_HOME: cargoHome(join(folder, 'cargo-home')) }
  delete env.CARGO_TARGET_DIR
  napiBuild('release', ['--target', target, ...args], { cwd: folder, env })
  const bytes = readFileSync(join(folder, 'src', 'generated', name))
  rmSync(join(folder, 'target'), { recursive: true })
  return bytes
}

/** A cargo home with this user's settings and crates. */
function cargoHome(folder) {
  const own = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  mkdirSync(folder)
  for (const entry of existsSync(own) ? readdirSync(own) : [])
    if (!entry.startsWith('.')) symlinkSync(join(own, entry), join(folder, entry))
  return folder
}
