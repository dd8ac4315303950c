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

/** Words of each licence that is in a crate's files. */
const words = {
  'Apache-2.0': /Apache License/,
  'BSD-3-Clause': /Redistribution and use in source/,
  'CDLA-Permissive-2.0': /Community Data License Agreement/i,
  ISC: /Permission to use, copy, modify, and(\/or)? distribute/,
  MIT: /Permission is hereby granted, free of charge/,
  'MPL-2.0': /Mozilla Public License/,
  'Unicode-3.0': /UNICODE LICENSE V3/i,
  Zlib: /altered source versions/i
}

/**
 * A crate's licence files, and the standard texts, with its authors, of what these leave out: some crates have the licence of copied code
 * only, such as iroh.
 */
export function texts(crate) {
  const own = licenceTexts(crate).map(({ text }) => text)
  const holder = crate.authors.join(', ') || `The authors of ${crate.name}`
  const others = crate.license.split(' AND ').flatMap(part => {
    const alternatives = part.split(' OR ').map(each => each.replace(/[()]/g, ''))
    if (own.some(text => alternatives.some(each => words[each]?.test(text)))) return []
    // Of alternative licences, those whose text is here.
    const found = alternatives.flatMap(each => standard(each, holder) ?? [])
    return found.length > 0 ? found : fail(`${crate.name}: no licence file with ${part}, and no text of it here`)
  })
  return [...own, ...others]
}

function standard(license, holder) {
  if (license === 'Apache-2.0') return readFileSync(at('LICENSE-APACHE'), 'utf8').trim()
  if (license !== 'MIT') return undefined
  return readFileSync(at('LICENSE-MIT'), 'utf8')
    .trim()
    .replace(/^Copyright .*$/m, `Copyright (c) ${holder}`)
}
