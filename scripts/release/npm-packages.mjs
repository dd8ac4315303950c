// The npm packages that a package of the workspace depends on, by the root's lock file, with their licences.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail } from '../util.mjs'
import { repositoryUrl } from './manifests.mjs'

/**
 * @typedef {object} NpmPackage
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX expression.
 * @property {string} folder Where it is installed.
 * @property {string} integrity Its checksum, as npm writes it.
 * @property {string | undefined} author
 * @property {string | undefined} repository
 * @property {[name: string, version: string][]} uses
 */

/**
 * The packages that npm installs for the package in `folder`, with their dependencies, sorted by name.
 *
 * @param {string} folder Such as `packages/mail`.
 * @returns {NpmPackage[]}
 */
export function dependenciesOf(folder) {
  const packages = locked()
  const found = new Map()
  const add = from => {
    for (const path of usedBy(packages, from)) {
      if (found.has(path)) continue
      found.set(path, packageAt(packages, path))
      add(path)
    }
  }
  add(folder)
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * A package that is installed at the root, such as one that `dist` contains.
 *
 * @param {string} name
 * @returns {NpmPackage}
 */
export function installedPackage(name) {
  return packageAt(locked(), `node_modules/${name}`)
}

const locked = () => JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages

/** @returns {NpmPackage} */
function packageAt(packages, path) {
  const name = nameOf(path)
  const { version, license = fail(`${name} declares no licence`), integrity } = packages[path]
  const folder = at(path)
  const { author, repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const uses = usedBy(packages, path).map(each => [nameOf(each), packages[each].version])
  return {
    name,
    version,
    license,
    folder,
    integrity,
    author: author?.name ?? author,
    repository: webAddress(repository),
    uses
  }
}

/** The name of a package, from its path in the lock file. */
function nameOf(path) {
  const modules = 'node_modules/'
  return path.slice(path.lastIndexOf(modules) + modules.length)
}

/** The paths in the lock file of a package's dependencies. */
function usedBy(packages, from) {
  const { dependencies = {}, optionalDependencies = {} } = packages[from]
  return Object.keys({ ...dependencies, ...optionalDependencies }).map(
    name => resolve(packages, from, name) ?? fail(`package-lock.json has no ${name}, which ${from} needs`)
  )
}

/** The web address of a `repository` in package.json, which is an address, or an owner and a name on GitHub. */
function webAddress(repository) {
  const text = repositoryUrl({ repository })?.replace(/^git:|^git@github\.com:/, found =>
    found === 'git:' ? 'https:' : 'https://github.com/'
  )
  return /^[\w-]+\/[\w.-]+$/.test(text ?? '') ? `https://github.com/${text}` : text
}

/** The path in the lock file where Node.js finds a package from another package's folder. */
function resolve(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = join(folder, 'node_modules', name).replaceAll('\\', '/')
    if (path in packages) return path
    if (folder === '') return undefined
  }
}

/** THIRD-PARTY-LICENSES of a package that bundles nothing: the packages that npm installs with it. */
export function npmNotices(name, packages) {
  const line = '-'.repeat(80)
  const parts = packages.map(each => `${each.name} ${each.version} (${each.license})\n\n${licenceText(each)}\n`)
  return `${name} contains none of this software. npm installs it as a dependency.\n\n${parts.join(`\n${line}\n\n`)}`
}

/** The licence file, or the licence section of the README. */
function licenceText({ name, folder }) {
  const files = readdirSync(folder)
  const file = files.find(each => /^licen[cs]e/i.test(each))
  if (file !== undefined) return readFileSync(join(folder, file), 'utf8').trim()
  const readme = join(folder, 'README.md')
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : ''
  const section = text.split(/^#+ */m).find(part => /^licen[cs]e\s*\n/i.test(part))
  return section?.slice(section.indexOf('\n')).replaceAll('```', '').trim() || fail(`${name} has no licence file`)
}
