// THIRD-PARTY-LICENSES of a platform package: every crate that is compiled into its addon, the Rust standard library, what
// the linker adds, and their licences.
import { readFileSync } from 'node:fs'
import { at, fail } from '../util.mjs'
import { licenceTexts } from './crates.mjs'
import { standardLibrary } from './standard-library.mjs'
import { zigParts } from './zig.mjs'

const line = '-'.repeat(80)

/** @param {Map<string, import('./crates.mjs').Crate>} crates */
export function notices(target, crates) {
  const parts = [...crates].map(([id, crate]) => ({
    id,
    license: crate.license,
    source: source(crate),
    texts: texts(crate)
  }))
  parts.push(...standardLibrary(), ...zigParts(target))
  // Most texts differ only in white space. Each is written once.
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

/** The origin of a crate's source. The copies in this repository have changes. */
function source({ name, version, repository, sha256 }) {
  if (sha256 === undefined)
    return `third_party/${name} of this repository (changed)${repository ? `, from ${repository}` : ''}`
  return `https://crates.io/crates/${name}/${version}`
}

/** A crate's licence files; without any, the standard texts of its declared licences, with its authors. */
function texts(crate) {
  const own = licenceTexts(crate)
  if (own.length > 0) return own.map(({ text }) => text)
  const holder = crate.authors.join(', ') || `The authors of ${crate.name}`
  // Of alternative licences, those whose text is here.
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
