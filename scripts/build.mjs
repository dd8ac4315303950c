// npm run build                            the addon as demo and tests use it, dist, index.d.ts and node.d.ts
// npm run build -- --watch                 the same, and again whenever src or crates change
// npm run build -- --release               the addon as packages and benchmarks use it, with full LTO
// npm run build -- --release --target T …  the rest goes to `napi build`
import { spawnSync } from 'node:child_process'
import { watch } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'
import { buildAddon, compile, place, prepare } from './prepare.mjs'
import { at, needCargo, say } from './util.mjs'

const args = process.argv.slice(2)
const profile = args.includes('--release') ? 'release' : 'dev-release'
const rest = args.filter(argument => argument !== '--release' && argument !== '--watch')

if (args.includes('--watch')) rebuildOnChange()
else if (rest.length === 0) await prepare({ profile })
else {
  needCargo()
  install()
  buildAddon(profile, rest)
  await compile()
  place()
}

/** Each build is a process of its own: an error in the code ends that build, not the watch. */
function rebuildOnChange() {
  const build = () => {
    const { status, signal } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), ...args.filter(argument => argument !== '--watch')],
      {
        stdio: 'inherit'
      }
    )
    if (signal === 'SIGINT') process.exit(130)
    say(`${status === 0 ? 'built' : 'failed'}; waiting for changes in src and crates`)
  }
  let pending
  // Editors write a file in several steps, so a build starts once no event has come for a moment.
  const changed = (_, file) => {
    if (file?.startsWith('generated')) return
    clearTimeout(pending)
    pending = setTimeout(build, 100)
  }
  for (const folder of ['src', 'crates']) watch(at(folder), { recursive: true }, changed)
  build()
}
