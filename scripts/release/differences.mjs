// The differences between two builds of an addon (ELF).
import { sectionsOf } from './addon-file.mjs'

/**
 * The differing sections of two libraries, one line each, with the text around the first difference.
 *
 * @param {Buffer} one
 * @param {Buffer} other
 */
export function differences(one, other) {
  if (one.equals(other)) return []
  const others = new Map(sectionsOf(other).map(section => [section.name, section]))
  const lines = []
  for (const section of sectionsOf(one)) {
    const match = others.get(section.name)
    others.delete(section.name)
    if (match === undefined) lines.push(`${section.name || 'unnamed'}: only in the first`)
    else lines.push(...sectionDifference(section.name, contentOf(one, section), contentOf(other, match)))
  }
  for (const section of others.keys()) lines.push(`${section}: only in the second`)
  return lines.length > 0 ? lines : ['the headers differ, and no section']
}

function sectionDifference(section, one, other) {
  if (one.equals(other)) return []
  const shorter = Math.min(one.length, other.length)
  let at = 0
  while (at < shorter && one[at] === other[at]) at++
  const around = bytes =>
    JSON.stringify(bytes.toString('latin1', Math.max(0, at - 60), at + 60).replace(/[^ -~]+/g, '·'))
  const sizes = one.length === other.length ? `${one.length} bytes` : `${one.length} and ${other.length} bytes`
  return [`${section}: ${sizes}, differs from byte ${at} on`, `  ${around(one)}`, `  ${around(other)}`]
}

/** Sections without content, such as `.bss`, have a size only. */
function contentOf(bytes, { type, offset, size }) {
  return type === 8 ? Buffer.from(String(size)) : bytes.subarray(offset, offset + size)
}
