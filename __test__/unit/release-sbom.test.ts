import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

const script = (name: string) => import(new URL(`../../scripts/release/${name}.mjs`, import.meta.url).href)
const { sbom } = (await script('sbom')) as { sbom: (subject: object, contents: object) => string }
const { sbomFindings } = (await script('sbom-findings')) as {
  sbomFindings: (folder: string, of: { name: string; version: string }) => string[]
}
const { installedPackage } = (await script('npm-packages')) as {
  installedPackage: (name: string) => { version: string }
}
const mrmime = installedPackage('mrmime')

const subject = { name: 'fastn-net-linux-x64-gnu', version: '1.2.3', license: 'MIT OR Apache-2.0' }
const crate = (name: string, uses: string[], sha256?: string) => ({
  ...{ name, version: '1.0.0', license: 'MIT', authors: [], repository: null },
  ...{ uses, sha256 }
})
const contents = {
  crates: new Map([
    ['one@1.0.0', crate('one', ['two@1.0.0'], 'a'.repeat(64))],
    ['two@1.0.0', crate('two', [])]
  ]),
  library: [
    { name: 'std', version: '1.95.0', license: 'MIT OR Apache-2.0', source: 'https://github.com/rust-lang/rust' },
    { name: 'one', version: '1.0.0', license: 'MIT', source: 'in the Rust standard library' }
  ],
  linked: [{ name: 'zig-libunwind', version: '0.15.2', license: 'MIT', source: 'https://ziglang.org' }],
  packages: [mrmime],
  own: [{ name: 'fastn-net', version: '1.2.3', license: 'MIT', bom: 'urn:uuid:1', optional: true }]
}

interface Bill {
  metadata: { timestamp: string }
  components: { 'bom-ref': string; supplier: { name: string }; hashes?: { content: string }[]; pedigree?: object }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

test('the bill of materials says who supplies each part, what uses it, and what its checksum is', t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-bill-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const text = sbom(subject, contents)
  writeFileSync(join(folder, 'sbom.cdx.json'), text)
  t.deepEqual(sbomFindings(folder, subject), [])
  const { components, dependencies } = JSON.parse(text) as Bill
  const std = 'pkg:generic/rust-std@1.95.0'
  t.deepEqual(
    components.map(each => [each['bom-ref'], each.supplier.name, each.hashes?.length ?? 0, 'pedigree' in each]),
    [
      ['pkg:cargo/one@1.0.0', 'The one authors', 1, false],
      ['pkg:cargo/two@1.0.0', 'The two authors', 0, true],
      [std, 'The Rust Project', 0, false],
      [`${std}#one@1.0.0`, 'The one authors', 0, false],
      ['pkg:generic/zig-libunwind@0.15.2', 'Zig contributors', 0, false],
      [`pkg:npm/mrmime@${mrmime.version}`, 'Luke Edwards', 1, false],
      ['pkg:npm/fastn-net@1.2.3', 'The fastn-net authors', 0, false]
    ]
  )
  t.deepEqual(dependencies[0]?.dependsOn, [
    'pkg:cargo/one@1.0.0',
    std,
    'pkg:generic/zig-libunwind@0.15.2',
    `pkg:npm/mrmime@${mrmime.version}`,
    'pkg:npm/fastn-net@1.2.3'
  ])
})

test.serial('the bill of materials is the same in each run', t => {
  const before = process.env.SOURCE_DATE_EPOCH
  t.teardown(() => {
    if (before === undefined) delete process.env.SOURCE_DATE_EPOCH
    else process.env.SOURCE_DATE_EPOCH = before
  })
  process.env.SOURCE_DATE_EPOCH = '1800000000'
  const text = sbom(subject, contents)
  t.is((JSON.parse(text) as Bill).metadata.timestamp, '2027-01-15T08:00:00Z')
  t.is(sbom(subject, contents), text)
})
