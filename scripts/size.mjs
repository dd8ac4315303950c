// npm run size                       checks that the addon (Linux x64, built with --release) and an import of the package are small enough
// npm run size -- --crates           prints the size of each crate in the addon, and its change since bench/size.json
// npm run size -- --crates --save    the same, and writes bench/size.json
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { addonProfile, prepare } from './prepare.mjs'
import { sizesIn } from './release/link-map.mjs'
import { linkMap } from './release/release-env.mjs'
import { at, fail, root } from './util.mjs'

/** Bounds in bytes. docs/performance.md has the figures. */
const bounds = { addon: 12_000_000, import: 86_000 }

const addon = at('src', 'generated', 'fastn-net.linux-x64-gnu.node')
const record = at('bench', 'size.json')
const number = new Intl.NumberFormat('en')

if (process.platform !== 'linux' || process.arch !== 'x64') fail('the sizes are of the addon for Linux x64')
// Takes minutes without an existing release build.
if (!existsSync(addon) || addonProfile() !== 'release') await prepare({ profile: 'release' })
const sizes = { addon: statSync(addon).size, import: bytesOf(filesOf('index.js')) }
const over = Object.keys(sizes).filter(name => sizes[name] > bounds[name])
for (const [name, size] of Object.entries(sizes))
  console.log(
    `${name}: ${number.format(size)} bytes of ${number.format(bounds[name])}${over.includes(name) ? ': too large' : ''}`
  )
if (over.length > 0) process.exitCode = 1
if (process.argv.includes('--crates') || over.includes('addon')) crates()

/** The files that importing `name` reads: those of its `import` and `export … from` statements, recursively. */
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

/** Prints the size of each crate and its change, largest change first. */
function crates() {
  if (!existsSync(linkMap(root)))
    fail('the linker has left no map: remove target/x86_64-unknown-linux-gnu/release, and run this again')
  const now = sizesIn(linkMap(root))
  const { addon: total, crates: before } = existsSync(record)
    ? JSON.parse(readFileSync(record, 'utf8'))
    : { addon: sizes.addon, crates: now }
  const rows = [...new Set([...Object.keys(now), ...Object.keys(before)])].map(crate => ({
    crate,
    size: now[crate] ?? 0,
    change: (now[crate] ?? 0) - (before[crate] ?? 0)
  }))
  rows.push({ crate: 'the addon, since bench/size.json', size: sizes.addon, change: sizes.addon - total })
  rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || b.size - a.size)
  for (const { crate, size, change } of rows) {
    const sign = change > 0 ? '+' : ''
    console.log(`${number.format(size).padStart(11)} ${`${sign}${number.format(change)}`.padStart(11)}  ${crate}`)
  }
  if (process.argv.includes('--save'))
    writeFileSync(record, `${JSON.stringify({ addon: sizes.addon, crates: now }, null, 2)}\n`)
}
