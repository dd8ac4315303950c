// The npm packages that a package of the workspace depends on, by the root's lock file, with their licences.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail } from '../util.mjs'

/**
 * @typedef {object} NpmPackage
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX expression.
 * @property {string} folder Where it is installed.
 */

/**
 * What npm installs with the package in `folder`, and with those packages, sorted by name.
 *
 * @param {string} folder Such as `packages/mail`.
 * @returns {NpmPackage[]}
 */
export function dependenciesOf(folder) {
  const { packages } = JSON.parse(readFileSync(at('package-lock.json'), 'utf8'))
  const found = new Map()
  const add = (from, { dependencies = {}, optionalDependencies = {} }) => {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = resolve(packages, from, name)
      if (path === undefined) fail(`package-lock.json has no ${name}, which ${from} needs`)
      if (found.has(path)) continue
      const { version, license = fail(`${name} declares no licence`) } = packages[path]
      found.set(path, { name, version, license, folder: at(path) })
      add(path, packages[path])
    }
  }
  add(folder, packages[folder])
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Where Node.js finds a package from another's folder, as a path in the lock file. */
function resolve(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = join(folder, 'node_modules', name).replaceAll('\\', '/')
    if (path in packages) return path
    if (folder === '') return undefined
  }
}

/** THIRD-PARTY-LICENSES of a package that bundles nothing: what npm installs beside it. */
export function npmNotices(name, packages) {
  const line = '-'.repeat(80)
  const parts = packages.map(each => `${each.name} ${each.version} (${each.license})\n\n${licenceText(each)}\n`)
  return `${name} contains none of this software. npm installs it as a dependency.\n\n${parts.join(`\n${line}\n\n`)}`
}

/** The licence file, or what a README says under the heading of its licence. */
function licenceText({ name, folder }) {
  const files = readdirSync(folder)
  const file = files.find(each => /^licen[cs]e/i.test(each))
  if (file !== undefined) return readFileSync(join(folder, file), 'utf8').trim()
  const readme = join(folder, 'README.md')
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : ''
  const section = text.split(/^#+ */m).find(part => /^licen[cs]e\s*\n/i.test(part))
  return section?.slice(section.indexOf('\n')).replaceAll('```', '').trim() || fail(`${name} has no licence file`)
}
