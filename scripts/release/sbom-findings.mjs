// What a bill of materials must have for the tools of those who use a package: the minimum elements of the NTIA (supplier, name, version,
// identifier, relations, author, time), and a checksum of each part that a registry gave.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is wrong with the bill of a staged package. */
export function sbomFindings(folder, { name, version }) {
  try {
    const bill = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'))
    const { component } = bill.metadata
    if (bill.bomFormat !== 'CycloneDX' || component.name !== name || component.version !== version)
      return [`${name}: sbom.cdx.json is of ${component.name} ${component.version}`]
    return wrongIn(bill).map(text => `${name}: sbom.cdx.json: ${text}`)
  } catch (error) {
    return [`${name}: sbom.cdx.json: ${error.message.split('\n')[0]}`]
  }
}

function wrongIn({ metadata, components, dependencies }) {
  const wrong = []
  if (components.length === 0) wrong.push('it has no component')
  if (Number.isNaN(Date.parse(metadata.timestamp))) wrong.push('it has no time')
  if (!metadata.authors?.[0]?.name || !metadata.supplier?.name) wrong.push('it has no author or supplier')
  if (!metadata.tools?.components?.[0]?.version) wrong.push('it names no tool')
  const all = [metadata.component, ...components]
  for (const each of all) {
    const id = each['bom-ref']
    if (!each.supplier?.name) wrong.push(`${id} has no supplier`)
    if (!each.version || !each.purl?.startsWith('pkg:')) wrong.push(`${id} has no version or no identifier`)
    if (!each.licenses?.[0]?.expression) wrong.push(`${id} has no licence`)
    if (each !== metadata.component && isOfRegistry(each) && !each.hashes?.[0]?.content)
      wrong.push(`${id} has no checksum`)
  }
  const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
  const ids = new Set(all.map(each => each['bom-ref']))
  if (ids.size < all.length) wrong.push('two components have the same name')
  for (const [ref, uses] of edges)
    for (const each of [ref, ...uses]) if (!ids.has(each)) wrong.push(`${each} is used, and is no component`)
  const reached = new Set([metadata.component['bom-ref']])
  for (const ref of reached) for (const each of edges.get(ref) ?? []) reached.add(each)
  for (const id of ids) if (!reached.has(id)) wrong.push(`nothing uses ${id}`)
  return wrong
}

/** Those of the standard library come with rustc, changed copies with the repository, its own packages from no registry yet. */
function isOfRegistry({ 'bom-ref': id, purl, pedigree, externalReferences = [] }) {
  return id === purl && /^pkg:(cargo|npm)\//.test(purl) && !pedigree && externalReferences[0]?.type !== 'bom'
}
