// The Rust standard library in each addon, and its crates: rustc ships a page with their licences.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail } from '../util.mjs'

/**
 * @typedef {object} Part
 * @property {string} id
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX expression.
 * @property {string} source
 * @property {string[]} texts Of licences.
 */

/** @type {Part[] | undefined} */
let parts

/**
 * The standard library, and the crates in it, including those of other systems, which the page does not distinguish.
 *
 * @returns {Part[]} The library is the first.
 */
export function standardLibrary() {
  parts ??= read()
  return parts
}

function read() {
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' })
  const { stdout: version } = spawnSync('rustc', ['--version'], { encoding: 'utf8' })
  const page = join(stdout.trim(), 'share', 'doc', 'rust', 'COPYRIGHT-library.html')
  const [head, ...crates] = readFileSync(page, 'utf8').split(/<h3>\S+ /)
  const files = plain(head.slice(head.indexOf('<h2 id="in-tree-files">'), head.indexOf('<h2 id="out-of-tree')))
  const licences = ['LICENSE-APACHE', 'LICENSE-MIT'].map(name => readFileSync(at(name), 'utf8').trim())
  licences[1] = licences[1].replace(/^Copyright .*$/m, 'Copyright (c) The Rust Project Contributors')
  const library = {
    id: `the Rust standard library (${version.trim()})`,
    name: 'std',
    version: version.split(' ')[1],
    license: 'MIT OR Apache-2.0',
    source: 'https://github.com/rust-lang/rust',
    texts: [files, ...licences]
  }
  const used = crates.map(part => {
    const [, name, version] = /^(.*)-(\d\S*)<\/h3>/.exec(part) ?? fail(`${page}: cannot be read`)
    const license = plain(/License:(.*?)<\/p>/s.exec(part)?.[1] ?? '')
    const texts = [...part.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text]) => plain(text))
    return { id: `${name}@${version}`, name, version, license, source: 'in the Rust standard library', texts }
  })
  return [library, ...used]
}

/** The text of a piece of HTML. */
function plain(html) {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|amp);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name])
    .replace(/^[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
