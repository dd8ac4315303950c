// npm run build                            the addon (dev-release), dist, index.d.ts and the types of the other entries
// npm run build -- --watch                 rebuild when src or crates change
// npm run build -- --release               the addon for packages and benchmarks, with full LTO
// npm run build -- --release --target T …  other arguments go to `napi build`
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

/** Runs each build as a child process, so that a build error does not end the watch. */
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
  // Debounce: editors write a file in several steps.
  const changed = (_, file) => {
    if (file?.startsWith('generated')) return
    clearTimeout(pending)
    pending = setTimeout(build, 100)
  }
  for (const folder of ['src', 'crates']) watch(at(folder), { recursive: true }, changed)
  build()
}
