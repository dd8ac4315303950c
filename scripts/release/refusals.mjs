// Breaks the staged packages in each way in which a release can be incomplete, and expects the check to report it.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findings } from './check.mjs'
import { staged } from './stage.mjs'

const change = (file, edit) => writeFileSync(file, edit(readFileSync(file, 'utf8')))
/** Sets a field of the manifest of a package. */
const manifest = (name, field, value) => folder =>
  change(join(folder, name, 'package.json'), text => JSON.stringify({ ...JSON.parse(text), [field]: value }))
/** Edits the bill of materials of a package. */
const bill = (name, edit) => folder =>
  change(join(folder, name, 'sbom.cdx.json'), text => {
    const value = JSON.parse(text)
    edit(value)
    return JSON.stringify(value)
  })
const [arm, mac, own] = ['fastn-net-linux-arm64-gnu', 'fastn-net-darwin-x64', 'fastn-net']

/** @type {Record<string, [(folder: string) => void, RegExp]>} */
const breaks = {
  'a package without its addon': [
    folder => rmSync(join(folder, mac, 'fastn-net.darwin-x64.node')),
    /darwin-x64: has no/
  ],
  'an addon that is none': [
    folder => writeFileSync(join(folder, mac, 'fastn-net.darwin-x64.node'), '<html>404</html>'),
    /darwin-x64: its addon is no library/
  ],
  'the addon of another processor': [
    folder => writeFileSync(join(folder, arm, 'fastn-net.linux-arm64-gnu.node'), machO()),
    /linux-arm64-gnu: its addon is for darwin x64/
  ],
  'a package without a licence': [folder => rmSync(join(folder, arm, 'LICENSE-MIT')), /arm64-gnu: has no LICENSE-MIT/],
  'a package without notices': [
    folder => rmSync(join(folder, arm, 'THIRD-PARTY-LICENSES')),
    /has no THIRD-PARTY-LICENSES/
  ],
  'a bill of materials of another version': [
    bill(arm, ({ metadata }) => {
      metadata.component.version = '9.9.9'
    }),
    /sbom\.cdx\.json is of .* 9\.9\.9/
  ],
  'a part without a supplier in the bill of materials': [
    bill(arm, ({ components }) => delete components[0].supplier),
    /arm64-gnu: sbom\.cdx\.json: \S+ has no supplier/
  ],
  'a part without a checksum in the bill of materials': [
    bill(arm, ({ components }) => delete components[0].hashes),
    /arm64-gnu: sbom\.cdx\.json: \S+ has no checksum/
  ],
  'a bill of materials without a time': [
    bill(own, ({ metadata }) => delete metadata.timestamp),
    /fastn-net: sbom\.cdx\.json: it has no time/
  ],
  'a bill of materials that lacks what a part uses': [
    bill(arm, ({ components }) => components.pop()),
    /arm64-gnu: sbom\.cdx\.json: \S+ is used, and is no component/
  ],
  'a platform of another version': [manifest(mac, 'version', '9.9.9'), /darwin-x64: has the version 9\.9\.9/],
  'a package that is not there': [
    folder => rmSync(join(folder, mac), { recursive: true }),
    /npm\/darwin-x64 is not staged/
  ],
  'a package without its platforms': [
    manifest(own, 'optionalDependencies', {}),
    /does not depend on fastn-net-darwin-arm64/
  ],
  'mail of another version': [manifest('fastn-mail', 'version', '9.9.9'), /fastn-mail: has the version 9\.9\.9/],
  'mail for another version': [
    manifest('fastn-mail', 'peerDependencies', { 'fastn-net': '^9.9.9' }),
    /fastn-mail: asks for fastn-net \^9\.9\.9/
  ],
  'a link to a file that is not in the package': [
    folder => change(join(folder, 'fastn-mail', 'README.md'), text => `${text}\n[Guide](../../docs/guide/mail.md)\n`),
    /fastn-mail: README\.md links to \.\.\/\.\.\/docs\/guide\/mail\.md/
  ],
  'mail without its bill of materials': [
    folder => rmSync(join(folder, 'fastn-mail', 'sbom.cdx.json')),
    /fastn-mail: sbom\.cdx\.json/
  ],
  'a stray addon': [
    folder => writeFileSync(join(folder, own, 'dist', 'stray.node'), ''),
    /has the addon .*stray\.node/
  ],
  'an entry without its file': [folder => rmSync(join(folder, own, 'node.d.ts')), /has no \.\/node\.d\.ts/]
}

/** @returns {{ name: string, error: string | undefined }[]} */
export function refusals() {
  return Object.entries(breaks).map(([name, [damage, pattern]]) => {
    const folder = mkdtempSync(join(tmpdir(), 'fastn-net-staged-'))
    try {
      cpSync(staged, folder, { recursive: true })
      damage(folder)
      const found = findings({ rehearse: true, folder })
      return { name, error: found.some(each => pattern.test(each)) ? undefined : `found ${JSON.stringify(found)}` }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** The first bytes of a library for an Intel Mac. */
function machO() {
  const bytes = Buffer.alloc(128)
  bytes.writeUInt32LE(0xfeedfacf, 0)
  bytes.writeUInt32LE(0x01000007, 4)
  return bytes
}
