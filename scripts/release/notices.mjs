// THIRD-PARTY-LICENSES of a platform package: every crate that is compiled into its addon, the Rust standard library, and their licences.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, fail } from '../util.mjs'
import { licenceTexts } from './crates.mjs'

const line = '-'.repeat(80)

/** @param {Map<string, import('./crates.mjs').Crate>} crates */
export function notices(target, crates) {
  const parts = [...crates].map(([id, crate]) => ({
    id,
    license: crate.license,
    source: source(crate),
    texts: texts(crate)
  }))
  parts.push(...standardLibrary())
  // Most texts are equal but for spaces and line breaks. Each is written once.
  const groups = new Map()
  for (const { id, texts } of parts)
    for (const text of texts) {
      const key = text.replace(/\s+/g, ' ')
      if (!groups.has(key)) groups.set(key, { text, ids: new Set() })
      groups.get(key).ids.add(id)
    }
  const list = parts.map(({ id, license, source }) => `${id}  ${license}${source ? `  ${source}` : ''}`)
  const bodies = [...groups.values()].map(({ text, ids }) => `${[...ids].join(', ')}\n\n${text}\n`)
  return `fastn-net is licensed as "MIT OR Apache-2.0": see LICENSE-MIT and LICENSE-APACHE.

The addon for ${target} also contains the software below, unchanged unless it says otherwise. First a list with the licence and the
source of each part, then the texts of the licences.

${list.join('\n')}

${line}

${bodies.join(`\n${line}\n\n`)}`
}

/** Where the source of a crate is. The copy in this repository has changes. */
function source({ name, version, repository, sha256 }) {
  if (sha256 === undefined)
    return `third_party/${name} of this repository (changed)${repository ? `, from ${repository}` : ''}`
  return `https://crates.io/crates/${name}/${version}`
}

/** A crate's licence files; where it has none, the standard texts of the licences that it declares, with its authors. */
function texts(crate) {
  const own = licenceTexts(crate)
  if (own.length > 0) return own.map(({ text }) => text)
  const holder = crate.authors.join(', ') || `The authors of ${crate.name}`
  // Of alternatives, those whose text is here.
  return crate.license.split(' AND ').flatMap(part => {
    const found = part.split(' OR ').flatMap(each => standard(each.replace(/[()]/g, ''), holder) ?? [])
    return found.length > 0 ? found : fail(`${crate.name}: no licence file, and no text of ${part} here`)
  })
}

function standard(license, holder) {
  if (license === 'Apache-2.0') return readFileSync(at('LICENSE-APACHE'), 'utf8').trim()
  if (license !== 'MIT') return undefined
  return readFileSync(at('LICENSE-MIT'), 'utf8')
    .trim()
    .replace(/^Copyright .*$/m, `Copyright (c) ${holder}`)
}

/** The standard library, and what it contains: rustc ships a page with their notices. */
function standardLibrary() {
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' })
  const { stdout: version } = spawnSync('rustc', ['--version'], { encoding: 'utf8' })
  const page = join(stdout.trim(), 'share', 'doc', 'rust', 'COPYRIGHT-library.html')
  const [head, ...crates] = readFileSync(page, 'utf8').split(/<h3>\S+ /)
  const files = plain(head.slice(head.indexOf('<h2 id="in-tree-files">'), head.indexOf('<h2 id="out-of-tree')))
  const licences = ['LICENSE-APACHE', 'LICENSE-MIT'].map(name => readFileSync(at(name), 'utf8').trim())
  licences[1] = licences[1].replace(/^Copyright .*$/m, 'Copyright (c) The Rust Project Contributors')
  const library = {
    id: `the Rust standard library (${version.trim()})`,
    license: 'MIT OR Apache-2.0',
    source: 'https://github.com/rust-lang/rust',
    texts: [files, ...licences]
  }
  const used = crates.map(part => {
    const [, name, version] = /^(.*)-(\d\S*)<\/h3>/.exec(part) ?? fail(`${page}: cannot be read`)
    const license = plain(/License:(.*?)<\/p>/s.exec(part)?.[1] ?? '')
    const texts = [...part.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text]) => plain(text))
    return { id: `${name}@${version}`, license, source: 'in the Rust standard library', texts }
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
