// Crates that Cargo.toml replaces by folders of `third_party`. cargo-deny finds no advisories for a folder, because advisories name
// crates of a registry. For `npm run audit`, this script restores the published crates.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail } from './util.mjs'

/**
 * The crates that a workspace replaces by a folder, with the version of the copy.
 *
 * @param {string} [folder] The folder of its Cargo.toml.
 * @returns {{ name: string, version: string }[]}
 */
export function patchedCrates(folder = '.') {
  const [, ...tables] = readFileSync(at(folder, 'Cargo.toml'), 'utf8').split(/^(?=\[)/m)
  const patches = tables.filter(table => table.startsWith('[patch.'))
  return patches.flatMap(table =>
    [...table.matchAll(/^([\w-]+) = \{.*\bpath = "([^"]+)"/gm)].map(([, name, path]) => {
      const [, version] = /^\[package\]$[^[]*?^version = "([^"]+)"/ms.exec(
        readFileSync(at(folder, path, 'Cargo.toml'), 'utf8')
      ) ?? [undefined, fail(`${path} has no version`)]
      return { name, version }
    })
  )
}

/**
 * Writes a workspace that depends on the published versions of these crates, and otherwise equals the lock file.
 *
 * @param {string} folder The workspace with the patches.
 * @param {string} copy An empty folder.
 * @returns {string} The new manifest.
 */
export function withoutPatches(folder, copy) {
  const crates = patchedCrates(folder)
  const dependencies = crates.map(({ name, version }) => `${name} = "=${version}"\n`).join('')
  const file = join(copy, 'Cargo.toml')
  writeFileSync(
    file,
    `[package]\nname = "published"\nversion = "0.0.0"\n\n[dependencies]\n${dependencies}\n[workspace]\n`
  )
  mkdirSync(join(copy, 'src'))
  writeFileSync(join(copy, 'src', 'lib.rs'), '')
  if (existsSync(at(folder, 'Cargo.lock'))) copyFileSync(at(folder, 'Cargo.lock'), join(copy, 'Cargo.lock'))
  const args = ['metadata', '--format-version', '1', '--manifest-path', file]
  const { status, stdout, stderr } = spawnSync('cargo', args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (status !== 0) fail(`cargo metadata: ${stderr}`)
  const { packages } = JSON.parse(stdout)
  for (const { name, version } of crates)
    if (!packages.some(each => each.name === name && each.version === version && each.source?.startsWith('registry+')))
      fail(`${name} ${version} is not from the registry: its advisories would be left out`)
  return file
}
