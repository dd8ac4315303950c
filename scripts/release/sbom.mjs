// The bill of materials of a package, in CycloneDX 1.6: its contents with suppliers, licences, checksums and dependencies. It has the minimum
// elements of the NTIA, which `sbom-findings.mjs` checks.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fail, root } from '../util.mjs'
import { repositoryUrl } from './manifests.mjs'

/**
 * Of a package's own authors, and of the program that writes this.
 */
const authors = 'The fastn-net authors'

/**
 * @typedef {object} Contents
 * @property {Map<string, import('./crates.mjs').Crate>} [crates] In the addon.
 * @property {import('./standard-library.mjs').Part[]} [library] The Rust standard library, first, and its crates.
 * @property {import('./standard-library.mjs').Part[]} [linked] What the linker adds.
 * @property {import('./npm-packages.mjs').NpmPackage[]} [packages] Bundled, or installed with it.
 * @property {{ name: string, version: string, license: string, bom: string, optional: boolean }[]} [own] Other packages of this
 *   repository, with the serial number of their bill.
 */

/**
 * @param {{ name: string, version: string, license: string, repository?: object | string }} subject The package.
 * @param {Contents} contents
 */
export function sbom(subject, { crates = new Map(), library = [], linked = [], packages = [], own = [] }) {
  const self = purl('npm', subject.name, subject.version)
  const cargo = id => purl('cargo', ...split(id))
  const [std, ...ofStd] = library
  const entries = [
    ...[...crates.values()].map(crate => ({ component: crateComponent(crate), uses: crate.uses.map(cargo) })),
    ...(std === undefined ? [] : [{ component: stdComponent(std), uses: ofStd.map(each => stdRef(std, each)) }]),
    ...ofStd.map(each => ({ component: ofStdComponent(std, each), uses: [] })),
    ...linked.map(each => ({ component: linkedComponent(each), uses: [] })),
    ...packages.map(each => ({
      component: npmComponent(each),
      uses: each.uses.map(([name, version]) => purl('npm', name, version))
    })),
    ...own.map(each => ({ component: ownComponent(each), uses: [] }))
  ]
  const all = entries.map(({ component }) => component['bom-ref'])
  const used = new Set(entries.flatMap(({ uses }) => uses))
  const supplier = supplied(authors, repositoryUrl(subject))
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: timeOfCommit(),
      lifecycles: [{ phase: 'build' }],
      tools: {
        components: [{ type: 'application', name: 'fastn-net scripts/release', version: subject.version, supplier }]
      },
      authors: [{ name: authors }],
      component: {
        type: 'library',
        'bom-ref': self,
        supplier,
        name: subject.name,
        version: subject.version,
        licenses: [{ expression: subject.license }],
        purl: self
      },
      supplier
    },
    components: entries.map(({ component }) => component),
    dependencies: [
      // Of the package itself: what no other part of it uses.
      { ref: self, dependsOn: all.filter(each => !used.has(each)) },
      ...entries.map(({ component, uses }) => ({ ref: component['bom-ref'], dependsOn: uses }))
    ],
    compositions: [{ aggregate: 'complete', dependencies: [self, ...all] }]
  }
  // Derived from the content and its commit's time, so that the same package has the same bytes.
  return `${JSON.stringify({ ...document, serialNumber: `urn:uuid:${uuid(JSON.stringify(document))}` }, null, 1)}\n`
}

function crateComponent({ name, version, license, authors, repository, sha256 }) {
  const of = purl('cargo', name, version)
  return {
    ...component(of, { name, version, license, supplier: supplied(people(authors, name), repository) }),
    ...hashed('SHA-256', sha256),
    ...(repository ? { externalReferences: [{ type: 'vcs', url: repository }] } : {}),
    // A copy in the repository has changes.
    ...(sha256 === undefined
      ? {
          pedigree: {
            ancestors: [{ type: 'library', name, version, purl: of }],
            notes: `Changed: third_party/${name} of the repository.`
          }
        }
      : {})
  }
}

/** Vulnerabilities of the standard library are published as Rust's. */
function stdComponent({ name, version, license, source }) {
  return {
    ...component(purl('generic', `rust-${name}`, version), {
      name,
      version,
      license,
      supplier: supplied('The Rust Project', source)
    }),
    cpe: `cpe:2.3:a:rust-lang:rust:${version}:*:*:*:*:*:*:*`,
    externalReferences: [{ type: 'vcs', url: source }]
  }
}

const stdRef = (std, { name, version }) => `${purl('generic', `rust-${std.name}`, std.version)}#${name}@${version}`

function ofStdComponent(std, { name, version, license }) {
  const supplier = supplied(people([], name), `https://crates.io/crates/${name}`)
  return {
    ...component(purl('cargo', name, version), { name, version, license, supplier }),
    // The addon may have the same crate of its own.
    'bom-ref': stdRef(std, { name, version })
  }
}

function linkedComponent({ name, version, license, source }) {
  const supplier = supplied('Zig contributors', source)
  return component(purl('generic', name, version), { name, version, license, supplier })
}

function npmComponent({ name, version, license, integrity, author, repository }) {
  const supplier = supplied(people(author ? [author] : [], name), repository)
  return {
    ...component(purl('npm', name, version), { name, version, license, supplier }),
    ...hashed('SHA-512', Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')),
    ...(repository ? { externalReferences: [{ type: 'vcs', url: repository }] } : {})
  }
}

/** Another package of this repository: it has a bill of its own. */
function ownComponent({ name, version, license, bom, optional }) {
  const made = component(purl('npm', name, version), { name, version, license, supplier: supplied(authors) })
  const url = `${bom.replace('urn:uuid:', 'urn:cdx:')}/1`
  return { ...made, scope: optional ? 'optional' : 'required', externalReferences: [{ type: 'bom', url }] }
}

function component(of, { name, version, license, supplier }) {
  return { type: 'library', 'bom-ref': of, supplier, name, version, licenses: [{ expression: license }], purl: of }
}

const hashed = (alg, content) => (content === undefined ? {} : { hashes: [{ alg, content }] })

const supplied = (name, url) => ({ name, ...(url ? { url: [url] } : {}) })

/** Names without addresses. Many crates name none of their authors. */
function people(authors, name) {
  const names = authors.map(each => each.replace(/\s*<.*/, '').trim()).filter(each => each !== '')
  return names.join(', ') || `The ${name} authors`
}

/** Of the commit, so that a repeated run writes the same; `SOURCE_DATE_EPOCH` where there is no repository. */
function timeOfCommit() {
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' })
  const seconds = Number(process.env.SOURCE_DATE_EPOCH || stdout?.trim() || Number.NaN)
  if (Number.isNaN(seconds)) fail('git does not know the time of the commit: set SOURCE_DATE_EPOCH')
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

function purl(type, name, version) {
  return `pkg:${type}/${name.replace('@', '%40')}@${version.replace('+', '%2B')}`
}

function split(id) {
  const at = id.lastIndexOf('@')
  return [id.slice(0, at), id.slice(at + 1)]
}

function uuid(text) {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
