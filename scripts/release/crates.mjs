// The crates that are compiled into the addon of a target, with their licences. Without procedural macros and build scripts, which run on
// the build machine.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { at, fail, root } from '../util.mjs'

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX expression.
 * @property {string[]} authors
 * @property {string | null} repository
 * @property {string | undefined} sha256 Of the crate file of the registry; `undefined` for crates of this repository.
 * @property {string} folder Folder of its source.
 * @property {string[]} uses Ids (`name@version`) of the crates that it uses.
 */

/**
 * The crates of a target's addon by id (`name@version`), sorted, without those of this workspace.
 *
 * @param {string} target
 * @returns {Map<string, Crate>}
 */
export function cratesOf(target) {
  const { packages, workspace_members: own } = JSON.parse(
    cargo('metadata', '--format-version', '1', '--locked', '--filter-platform', target)
  )
  const members = new Set(own)
  const byId = new Map(packages.map(each => [`${each.name}@${each.version}`, each]))
  const sums = checksums()
  const crates = new Map()
  for (const [id, uses] of [...tree(target)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = byId.get(id) ?? fail(`cargo metadata does not know ${id}`)
    if (members.has(found.id)) continue
    const { name, version, license, authors, repository, manifest_path: manifest } = found
    // `/` between licences is an old form of OR.
    const expression = license?.replace(/ ?\/ ?/g, ' OR ') ?? fail(`${id} declares no licence`)
    const [folder, sha256] = [dirname(manifest), sums.get(id)]
    crates.set(id, { name, version, license: expression, authors, repository, sha256, folder, uses: [...uses] })
  }
  return crates
}

/** The dependencies of each crate of the addon, as ids. */
function tree(target) {
  const args = ['--package', 'fastn-net-node', '--edges', 'normal,no-proc-macro', '--target', target]
  const format = ['--prefix', 'depth', '--format', ' {p}', '--locked']
  const graph = new Map()
  const path = []
  for (const line of cargo('tree', ...args, ...format).split('\n')) {
    const [, depth, name, version] = /^(\d+) (\S+) v(\S+)/.exec(line) ?? []
    if (depth === undefined) continue
    const id = `${name}@${version}`
    if (!graph.has(id)) graph.set(id, new Set())
    path[Number(depth)] = id
    graph.get(path[Number(depth) - 1])?.add(id)
  }
  return graph
}

/** The texts of a crate's licence files, each with its name. */
export function licenceTexts({ folder, license }) {
  return licenceFiles(folder).map(name => ({ name, license, text: readFileSync(join(folder, name), 'utf8').trim() }))
}

/**
 * A crate's own licence files, and those of code that it contains, such as fiat-crypto in ring. Without parts that are not compiled in.
 */
function licenceFiles(folder, inside = '') {
  const entries = readdirSync(join(folder, inside), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  // A folder of several licences, as in REUSE.
  const isOfLicences = /^licen[cs]es?$/i.test(basename(inside))
  const isLicence = ({ name }) => isOfLicences || /^(licen[cs]e|copying|notice|unlicen[cs]e|copyright)/i.test(name)
  const files = entries.filter(each => each.isFile() && isLicence(each) && !/\.(rs|ya?ml)$/i.test(each.name))
  const folders = entries.filter(
    each => each.isDirectory() && !/^(\..*|benches|examples|fuzz|target|tests?)$/.test(each.name)
  )
  return [
    ...files.map(({ name }) => join(inside, name)),
    ...folders.flatMap(({ name }) => licenceFiles(folder, join(inside, name)))
  ]
}

/** SHA-256 of the crate files, from Cargo.lock. */
function checksums() {
  const found = new Map()
  for (const block of readFileSync(at('Cargo.lock'), 'utf8').split('[[package]]')) {
    const field = name => new RegExp(`^${name} = "(.*)"$`, 'm').exec(block)?.[1]
    found.set(`${field('name')}@${field('version')}`, field('checksum'))
  }
  return found
}

function cargo(...args) {
  const { stdout, stderr, status, error } = spawnSync('cargo', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 30
  })
  if (error || status !== 0) fail(`cargo ${args[0]}: ${error?.message ?? stderr}`)
  return stdout
}
