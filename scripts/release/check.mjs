// Checks of all packages before the first one is published.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { at } from '../util.mjs'
import { binaryOf } from './addon-file.mjs'
import { changelogFindings } from './changelog.mjs'
import { manifest, repositoryUrl, versions, workspace } from './manifests.mjs'
import { dependenciesOf } from './npm-packages.mjs'
import { platforms } from './platforms.mjs'
import { sbomFindings } from './sbom-findings.mjs'
import { placeholder, staged } from './stage.mjs'

/** The oldest systems that Node.js 20 itself runs on. */
const oldest = { glibc: '2.28', macos: '11.0' }

/** Licences of npm packages that are bundled or installed. deny.toml lists those of crates. */
const permissive = new Set(['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'])

/**
 * Libraries of every system with Node.js. Linux: the C library under its names, and the unwinder that Node's own C++ library needs. Windows:
 * without the libraries of Visual Studio, which other programs install.
 */
const libraries = {
  gnu: /^(lib(c|m|dl|pthread|rt)\.so\.\d+|libgcc_s\.so\.1|ld-linux-\S+)$/,
  musl: /^(libc\.so|libc\.musl-\S+|libgcc_s\.so\.1)$/,
  msvc: /^(?!vcruntime|msvcp|msvcr|concrt|vcomp|ucrtbased)[^\\/]+\.dll$/i,
  darwin: /^\/(usr\/lib|System\/Library)\//
}

/**
 * All faults of the staged packages, as sentences. Empty if there are none.
 *
 * @param {{ rehearse?: boolean, folder?: string }} [options] A rehearsal may lack addons of other platforms and the repository.
 */
export function findings({ rehearse = false, folder = staged } = {}) {
  const root = manifest()
  const wrong = [
    ...versionFindings(root.version, { rehearse }),
    ...rootFindings(join(folder, root.name), root, { rehearse })
  ]
  for (const { name } of platforms())
    wrong.push(...platformFindings(name, join(folder, `${root.name}-${name}`), root, { rehearse }))
  for (const from of workspace)
    wrong.push(...workspaceFindings(join(folder, manifest(from).name), from, root, { rehearse }))
  return wrong
}

function versionFindings(version, { rehearse }) {
  const wrong = Object.entries(versions())
    .filter(([, found]) => found !== version)
    .map(([place, found]) => `${place} has the version ${found}, not ${version}`)
  const changelog = changelogFindings(version, readFileSync(at('CHANGELOG.md'), 'utf8'))
  return [...wrong, ...changelog.filter(each => !rehearse || each.includes('no section'))]
}

function rootFindings(folder, root, { rehearse }) {
  const wrong = []
  const own = readManifest(folder)
  if (own === undefined) return [`${root.name} has no package.json`]
  if (!rehearse) wrong.push(...repositoryFindings(root))
  for (const file of [
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'dist/THIRD-PARTY-LICENSES',
    'dist/cli.js',
    ...entries(own)
  ])
    if (!existsSync(join(folder, file))) wrong.push(`${root.name} has no ${file}`)
  wrong.push(...sbomFindings(folder, own))
  for (const { name } of platforms())
    if (own.optionalDependencies?.[`${root.name}-${name}`] !== root.version)
      wrong.push(`${root.name} does not depend on ${root.name}-${name} ${root.version}`)
  for (const file of readdirSync(folder, { recursive: true }))
    if (file.endsWith('.node')) wrong.push(`${root.name} has the addon ${file}: platform packages have it`)
  return [...wrong, ...linkFindings(folder, own)]
}

function platformFindings(name, folder, root, { rehearse }) {
  const wrong = []
  const own = readManifest(folder)
  if (own === undefined) return [`npm/${name} is not staged`]
  const say = text => wrong.push(`${own.name}: ${text}`)
  const [platform, arch, libc] = name.split('-')
  if (own.version !== root.version) say(`has the version ${own.version}, not ${root.version}`)
  if (own.os?.join() !== platform || own.cpu?.join() !== arch) say(`is for ${own.os} ${own.cpu}`)
  if (platform === 'linux' && own.libc?.join() !== { gnu: 'glibc', musl: 'musl' }[libc])
    say(`is for the C library ${own.libc}`)
  if (own.engines?.node !== root.engines.node) say(`supports Node.js ${own.engines?.node}, not ${root.engines.node}`)
  if (!rehearse && repositoryUrl(own) !== repositoryUrl(root)) say(`has another repository than ${root.name}`)
  for (const file of ['README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY-LICENSES'])
    if (!existsSync(join(folder, file))) say(`has no ${file}`)
  wrong.push(...sbomFindings(folder, own))
  const addon = join(folder, own.main)
  if (!existsSync(addon)) say(`has no ${own.main}`)
  else if (!(rehearse && readFileSync(addon, 'utf8').startsWith(placeholder.trim())))
    for (const text of addonFindings(addon, { platform, arch, libc, version: root.version, rehearse })) say(text)
  return wrong
}

/** A workspace package must have the same version, and require it. */
function workspaceFindings(folder, from, root, { rehearse }) {
  const own = readManifest(folder)
  if (own === undefined) return [`${from} is not staged`]
  const wrong = []
  const say = text => wrong.push(`${own.name}: ${text}`)
  if (own.version !== root.version) say(`has the version ${own.version}, not ${root.version}`)
  if (own.peerDependencies?.[root.name] !== `^${root.version}`)
    say(`asks for ${root.name} ${own.peerDependencies?.[root.name]}, not ^${root.version}`)
  if (!rehearse && repositoryUrl(own) !== repositoryUrl(root)) say(`has another repository than ${root.name}`)
  for (const file of ['README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY-LICENSES', ...entries(own)])
    if (!existsSync(join(folder, file))) say(`has no ${file}`)
  wrong.push(...sbomFindings(folder, own), ...linkFindings(folder, own))
  for (const { name, license } of dependenciesOf(from))
    if (!permissive.has(license)) say(`depends on ${name}, which is ${license}`)
  return wrong
}

/**
 * The faults of an addon for its platform. An addon for this machine is loaded too. A rehearsal may have one that was built here, on a
 * newer system.
 */
export function addonFindings(file, { platform, arch, libc, version, rehearse = false }) {
  const binary = binaryOf(file)
  if (binary === undefined) return ['its addon is no library']
  const wrong = []
  if (binary.platform !== platform || binary.arch !== arch)
    wrong.push(`its addon is for ${binary.platform} ${binary.arch}`)
  for (const [name, version] of Object.entries(oldest))
    if (!rehearse && isNewer(binary[name], version))
      wrong.push(`its addon needs ${name} ${binary[name]}, and ${version} is the oldest to support`)
  if (libc === 'musl' && binary.glibc !== undefined) wrong.push('its addon needs glibc')
  const strange = binary.needs.filter(each => !libraries[libc ?? platform].test(each))
  if (strange.length > 0) wrong.push(`its addon needs ${strange.join(', ')}`)
  const glibcHere = 'glibcVersionRuntime' in process.report.getReport().header
  const isOfHere = platform === process.platform && arch === process.arch
  if (wrong.length > 0 || !isOfHere || (libc === 'gnu') !== (glibcHere && platform === 'linux')) return wrong
  const found = createRequire(import.meta.url)(file).version?.()
  return found === version ? [] : [`its addon has the version ${found}, not ${version}`]
}

function isNewer(version, than) {
  const [[major, minor], [oldMajor, oldMinor]] = [version ?? '0.0', than].map(each => each.split('.').map(Number))
  return major > oldMajor || (major === oldMajor && minor > oldMinor)
}

function repositoryFindings(root) {
  const url = repositoryUrl(root)
  if (url === undefined)
    return [
      'package.json has no repository, without which npm gives no provenance: npm run release -- --repository URL'
    ]
  // Through these and SECURITY.md, users of a package find where to report.
  if (!root.bugs?.url?.startsWith(url) || !root.homepage?.startsWith(url))
    return ['package.json has no bugs and homepage of its repository: npm run release -- --repository URL']
  const { GITHUB_REPOSITORY: here, GITHUB_SERVER_URL: server } = process.env
  if (here !== undefined && url !== `${server}/${here}`) return [`repository is ${url}, and this is ${server}/${here}`]
  return []
}

/** The bill of materials must be of this package. */
/** The files that `exports`, `types` and `bin` name. */
function entries({ exports, types, bin = {} }) {
  return [
    ...Object.values(exports).flatMap(each => (typeof each === 'string' ? [each] : Object.values(each))),
    types,
    ...Object.values(bin)
  ]
}

/** Links to files that are only in the repository must be absolute. */
function linkFindings(folder, { name }) {
  return ['README.md', 'CHANGELOG.md'].flatMap(page =>
    relativeLinks(join(folder, page))
      .filter(link => !existsSync(join(folder, link)))
      .map(link => `${name}: ${page} links to ${link}, which is not in the package`)
  )
}

function relativeLinks(file) {
  if (!existsSync(file)) return []
  return [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link)
}

function readManifest(folder) {
  const file = join(folder, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
