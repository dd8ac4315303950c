// The lock files of this repository: the checks of `npm run lint`, and the folders for `npm run audit`.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { at } from './util.mjs'

/** Folders with a lock file of npm or Cargo. */
export const lockFolders = name => filesNamed(name).map(file => dirname(file))

/**
 * Whether each lock file has a checksum for every package, and no source but the registry. Prints the exceptions.
 */
export function lockFilesAreSound() {
  const wrong = [
    ...filesNamed('package-lock.json').flatMap(npmFindings),
    ...filesNamed('Cargo.lock').flatMap(cargoFindings)
  ]
  for (const each of wrong) console.log(each)
  return wrong.length === 0
}

/** The files omit `resolved`, because each user may have another registry. Its packages must match the checksums. */
function npmFindings(file) {
  const { packages } = JSON.parse(readFileSync(at(file), 'utf8'))
  const installed = Object.entries(packages).filter(
    ([path, { link, inBundle }]) => path.includes('node_modules/') && !link && !inBundle
  )
  return installed.flatMap(([path, { integrity, resolved }]) => [
    ...(integrity?.startsWith('sha512-') ? [] : [`${file}: ${path} has no SHA-512`]),
    ...(resolved === undefined ? [] : [`${file}: ${path} is from ${resolved}`])
  ])
}

/** Crates of this repository have neither source nor checksum. */
function cargoFindings(file) {
  const [, ...crates] = readFileSync(at(file), 'utf8').split('[[package]]\n')
  return crates.flatMap(text => {
    const field = name => new RegExp(`^${name} = "(.*)"$`, 'm').exec(text)?.[1]
    const [name, source] = [field('name'), field('source')]
    if (source === undefined) return []
    const registry = 'registry+https://github.com/rust-lang/crates.io-index'
    if (source !== registry) return [`${file}: ${name} is from ${source}`]
    return field('checksum') === undefined ? [`${file}: ${name} has no checksum`] : []
  })
}

function filesNamed(name, folder = '') {
  return readdirSync(at(folder), { withFileTypes: true }).flatMap(entry => {
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return /^(node_modules|target|\..*|dist.*)$/.test(entry.name) ? [] : filesNamed(name, path)
    return entry.name === name ? [path] : []
  })
}
