// The bill of materials of a package, in CycloneDX 1.6: what is in it, with licences and checksums, and what uses what.
import { createHash } from 'node:crypto'

/**
 * @param {{ name: string, version: string, license: string, description?: string }} subject The package.
 * @param {Map<string, import('./crates.mjs').Crate>} crates Crates in its addon.
 * @param {{ name: string, version: string, license: string }[]} packages npm packages bundled into it.
 */
export function sbom(subject, crates, packages = []) {
  const [own, cargo, npm] = [ref('npm', subject.name, subject.version), id => ref('cargo', ...split(id)), bundled]
  const components = [...crates].map(([id, crate]) => ({
    type: 'library',
    'bom-ref': cargo(id),
    name: crate.name,
    version: crate.version,
    licenses: [{ expression: crate.license }],
    purl: cargo(id),
    ...(crate.sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: crate.sha256 }] }),
    ...(crate.repository ? { externalReferences: [{ type: 'vcs', url: crate.repository }] } : {}),
    // A copy in the repository has changes.
    ...(crate.sha256 === undefined
      ? { pedigree: { notes: `Changed: third_party/${crate.name} of the repository.` } }
      : {})
  }))
  for (const { name, version, license } of packages)
    components.push({
      type: 'library',
      'bom-ref': ref('npm', name, version),
      name,
      version,
      licenses: [{ expression: license }],
      purl: ref('npm', name, version)
    })
  const all = components.map(each => each['bom-ref'])
  const used = new Set([...crates.values()].flatMap(({ uses }) => uses.map(cargo)))
  const dependencies = [
    // Of the package itself: what no other part of it uses.
    { ref: own, dependsOn: all.filter(each => !used.has(each)) },
    ...[...crates].map(([id, { uses }]) => ({ ref: cargo(id), dependsOn: uses.map(cargo) })),
    ...packages.map(each => ({ ref: npm(each), dependsOn: [] }))
  ]
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'library',
        'bom-ref': own,
        name: subject.name,
        version: subject.version,
        licenses: [{ expression: subject.license }],
        purl: own
      }
    },
    components,
    dependencies
  }
  // Derived from the content and without a time: the same package twice is the same bytes.
  return `${JSON.stringify({ ...document, serialNumber: `urn:uuid:${uuid(JSON.stringify(document))}` }, null, 1)}\n`
}

function bundled({ name, version }) {
  return ref('npm', name, version)
}

function ref(type, name, version) {
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
