// Stages the packages as they are published, below `target/packages`. Changes nothing in the working tree.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { compileMail } from '../prepare.mjs'
import { at, fail, say } from '../util.mjs'
import { cratesOf } from './crates.mjs'
import { manifest, repositoryUrl, workspace } from './manifests.mjs'
import { notices } from './notices.mjs'
import { dependenciesOf, installedPackage, npmNotices } from './npm-packages.mjs'
import { platforms } from './platforms.mjs'
import { sbom } from './sbom.mjs'
import { standardLibrary } from './standard-library.mjs'
import { zigParts } from './zig.mjs'

export const staged = at('target', 'packages')

/** Replaces the addon of another platform in a rehearsal. */
export const placeholder = 'No addon: this package was made to rehearse a release.\n'

/**
 * Writes every package, the platforms first.
 *
 * @param {object} options
 * @param {string} options.addons Folder with the addons, or with folders of them.
 * @param {boolean} [options.rehearse] Write {@link placeholder} for a missing addon.
 * @returns {string[]} The folders, in the order in which they are published.
 */
export function stage({ addons, rehearse = false }) {
  rmSync(staged, { recursive: true, force: true })
  const own = manifest()
  // So that a rehearsal makes links absolute too.
  const root = rehearse
    ? { repository: { type: 'git', url: 'git+https://github.com/fastn-net/rehearsal.git' }, ...own }
    : own
  const folders = platforms().map(({ name, target }) => {
    say(`package of ${name}`)
    return platformPackage(name, target, root, { addons, rehearse })
  })
  say('package')
  compileMail({ tests: false })
  return [...folders, rootPackage(root), ...workspace.map(folder => workspacePackage(folder, root))]
}

function platformPackage(name, target, root, { addons, rehearse }) {
  const { files: _, ...own } = manifest('npm', name)
  const folder = join(staged, own.name)
  mkdirSync(folder, { recursive: true })
  const addon = find(addons, own.main)
  if (addon !== undefined) copyFileSync(addon, join(folder, own.main))
  else if (rehearse) writeFileSync(join(folder, own.main), placeholder)
  else fail(`${own.main} is not in ${relative(at(), addons) || addons}`)
  const crates = cratesOf(target)
  for (const file of ['LICENSE-APACHE', 'LICENSE-MIT']) copyFileSync(at(file), join(folder, file))
  copyFileSync(at('npm', name, 'README.md'), join(folder, 'README.md'))
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), notices(target, crates))
  writeFileSync(
    join(folder, 'sbom.cdx.json'),
    sbom(own, { crates, library: standardLibrary(), linked: zigParts(target) })
  )
  // Each package requests provenance itself, not by the environment, so that a manual run has it too.
  const publishConfig = { ...own.publishConfig, ...root.publishConfig }
  writeManifest(folder, { ...own, publishConfig })
  return folder
}

function rootPackage(root) {
  const folder = join(staged, root.name)
  mkdirSync(folder, { recursive: true })
  cpSync(at('dist'), join(folder, 'dist'), { recursive: true, filter: isPublished })
  const types = root.files.filter(file => file.endsWith('.d.ts'))
  for (const file of [...types, 'LICENSE-APACHE', 'LICENSE-MIT']) copyFileSync(at(file), join(folder, file))
  const base = repositoryUrl(root)
  for (const file of ['README.md', 'CHANGELOG.md', 'SECURITY.md'])
    writeFileSync(join(folder, file), absolute(readFileSync(at(file), 'utf8'), base, root.version))
  const own = platforms().map(({ name }) => billed(manifest('npm', name).name, { optional: true }))
  writeFileSync(join(folder, 'sbom.cdx.json'), sbom(root, { packages: bundledPackages(), own }))
  // Only the fields that concern users of the package.
  const { scripts, devDependencies, napi, files, workspaces, ...kept } = root
  const optionalDependencies = Object.fromEntries(
    platforms().map(({ name }) => [manifest('npm', name).name, root.version])
  )
  writeManifest(folder, { ...kept, optionalDependencies })
  return folder
}

function workspacePackage(from, root) {
  const { devDependencies, files, ...own } = manifest(from)
  const folder = join(staged, own.name)
  mkdirSync(folder, { recursive: true })
  cpSync(at(from, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const file of ['LICENSE-APACHE', 'LICENSE-MIT']) copyFileSync(at(file), join(folder, file))
  const text = readFileSync(at(from, 'README.md'), 'utf8')
  writeFileSync(join(folder, 'README.md'), absolute(text, repositoryUrl(root), root.version, from))
  const dependencies = dependenciesOf(from)
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), npmNotices(own.name, dependencies))
  writeFileSync(
    join(folder, 'sbom.cdx.json'),
    sbom(own, { packages: dependencies, own: [billed(root.name, { optional: false })] })
  )
  writeManifest(folder, own)
  return folder
}

function isPublished(path) {
  const inside = relative(at('dist'), path)
  return !/^modules(\/|\\|$)|^\.types|\.node(\.new)?$|^generated/.test(inside)
}

/** The npm packages in `dist`, as recorded by `scripts/bundle-cli.mjs`. */
function bundledPackages() {
  const text = readFileSync(at('dist', 'THIRD-PARTY-LICENSES'), 'utf8')
  return [...text.matchAll(/^(\S+) \d\S* \([^)]+\)$/gm)].map(([, name]) => installedPackage(name))
}

/** A staged package of this repository, for the bill of materials of one that needs it. */
function billed(name, { optional }) {
  const { serialNumber, metadata } = JSON.parse(readFileSync(join(staged, name, 'sbom.cdx.json'), 'utf8'))
  const { version, licenses } = metadata.component
  return { name, version, license: licenses[0].expression, bom: serialNumber, optional }
}

/** Makes links to repository files absolute: most of these files are not in the package. */
function absolute(text, repository, version, folder = '.') {
  if (repository === undefined) return text
  const raw = repository.replace('//github.com/', '//raw.githubusercontent.com/')
  return text.replace(/(!?)(\[[^\]]*\])\((?!https?:|#)([^)\s]+)\)/g, (_, image, label, path) => {
    const inside = posix.join(folder, path)
    return image ? `!${label}(${raw}/v${version}/${inside})` : `${label}(${repository}/blob/v${version}/${inside})`
  })
}

function find(folder, name) {
  if (!existsSync(folder)) return undefined
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.name === name && entry.isFile()) return join(entry.parentPath, name)
  return undefined
}

function writeManifest(folder, value) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(value, null, 2)}\n`)
}
