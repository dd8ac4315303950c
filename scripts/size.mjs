// npm run size                       whether the addon (Linux x64, built with --release) and an import of the package are within their bounds
// npm run size -- --crates           what each crate takes in the addon, and what has changed since bench/size.json; builds with symbols
// npm run size -- --crates --save    the same, and writes bench/size.json
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { addonProfile } from './prepare.mjs'
import { at, fail, needCargo, root } from './util.mjs'

/** Bounds in bytes. docs/performance.md has the figures. */
const bounds = { addon: 12_000_000, import: 120_000 }

const target = 'x86_64-unknown-linux-gnu'
const record = at('bench', 'size.json')
const number = new Intl.NumberFormat('en')

if (process.argv.includes('--crates')) crates()
else check()

function check() {
  const file = at('src', 'generated', 'fastn-net.linux-x64-gnu.node')
  if (!existsSync(file) || addonProfile() !== 'release')
    fail('there is no release build of the addon for Linux x64: run npm run build -- --release')
  const sizes = { addon: statSync(file).size, import: bytesOf(filesOf('index.js')) }
  for (const [name, size] of Object.entries(sizes)) {
    const isOver = size > bounds[name]
    console.log(`${name}: ${number.format(size)} bytes of ${number.format(bounds[name])}${isOver ? ': too large' : ''}`)
    if (isOver) process.exitCode = 1
  }
  if (sizes.addon > bounds.addon) console.log('npm run size -- --crates tells which crate has grown')
}

/** The files that an import of `name` reads: those of its `import` and `export … from` statements, and so on. */
function filesOf(name) {
  const found = new Set([name])
  for (const each of found)
    for (const [, , next] of readFileSync(at('dist', each), 'utf8').matchAll(/^(import|export) .*from '\.\/(.*)';$/gm))
      found.add(next)
  return [...found]
}

function bytesOf(files) {
  return files.reduce((sum, name) => sum + statSync(at('dist', name)).size, 0)
}

function crates() {
  needCargo()
  const sizes = sizesOfCrates()
  const before = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {}
  const rows = Object.entries(sizes).map(([crate, size]) => ({ crate, size, change: size - (before[crate] ?? 0) }))
  for (const crate of Object.keys(before)) if (!(crate in sizes)) rows.push({ crate, size: 0, change: -before[crate] })
  rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || b.size - a.size)
  for (const { crate, size, change } of rows) {
    const sign = change > 0 ? '+' : ''
    console.log(`${number.format(size).padStart(11)} ${`${sign}${number.format(change)}`.padStart(11)}  ${crate}`)
  }
  if (process.argv.includes('--save')) writeFileSync(record, `${JSON.stringify(sizes, null, 2)}\n`)
}

/** Bytes of code by crate, of an addon with symbols. Generic code counts for the crate that has it, not for the one that uses it. */
function sizesOfCrates() {
  const env = { ...process.env, CARGO_PROFILE_RELEASE_STRIP: 'none' }
  const args = ['bloat', '--release', '--package', 'fastn-net-node', '--lib', '--target', target]
  const how = { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  const { status, stdout } = spawnSync('cargo', [...args, '--crates', '-n', '0', '--message-format', 'json'], how)
  if (status !== 0) fail('cargo bloat failed. Is it installed? cargo install cargo-bloat')
  const found = JSON.parse(stdout).crates.map(({ name, size }) => [name, size])
  return Object.fromEntries(found.sort(([a], [b]) => a.localeCompare(b)))
}
