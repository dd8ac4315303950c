// The environment in which an addon for packages is compiled. The machine does not affect the result, so the same source, compiler and
// linker produce the same bytes in any folder and for any user.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fail, say } from '../util.mjs'
import { toolchainFor } from './toolchain.mjs'

/** The linker's map, for `npm run size`. Linux x64 only: see crates/fastn-net-node/build.rs. */
export const linkMap = folder => join(folder, 'target', 'addon.map')

/**
 * Variables for building the copy of this repository in `folder`.
 * Variables for a build of the copy of this repository in `folder`.
 *
 * @param {string} folder
 * @param {string} target
 * @param {NodeJS.ProcessEnv} env
 */
export function releaseEnv(folder, target, env) {
  const named = Object.entries(remapped(folder, env))
  const toolchain = toolchainFor(target)
  // Not Cargo's `trim-paths`, which is unstable. Spaces separate RUSTFLAGS, and napi appends some.
  const flags = named.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)
  flags.push(...toolchain.flags)
  // Windows has no C library of Visual Studio until some program installs it; Node.js brings its own in node.exe.
  if (target.endsWith('-windows-msvc')) flags.push('-Ctarget-feature=+crt-static')
  const usable = flags.filter(flag => !/\s/.test(flag))
  if (usable.length < flags.length) say('the addon will have folders of this machine in it: one of them has a space')
  mkdirSync(join(folder, 'target'), { recursive: true })
  return {
    ...toolchain.variables,
    RUSTFLAGS: [env.RUSTFLAGS, ...usable].filter(Boolean).join(' '),
    FASTN_NET_LINK_MAP: linkMap(folder)
  }
}

/** Folders of this machine that rustc would write into an addon, with their replacements. */
function remapped(folder, env) {
  const home = env.CARGO_HOME ?? join(homedir(), '.cargo')
  // The sources of crates are in a folder with the registry's name, which is known once they are downloaded.
  const { status } = spawnSync('cargo', ['fetch', '--locked', '--quiet'], { cwd: folder, env, stdio: 'inherit' })
  if (status !== 0) fail('cargo fetch failed')
  const sources = join(home, 'registry', 'src')
  const registries = existsSync(sources) ? readdirSync(sources).map(name => join(sources, name)) : []
  return Object.fromEntries([
    // The last match wins.
    [folder.replace(/[\\/]$/, ''), '.'],
    ...(env.CARGO_TARGET_DIR ? [[env.CARGO_TARGET_DIR, 'target']] : []),
    ...registries.map(registry => [registry, 'crates'])
  ])
}
