import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import ts from 'typescript'

const script = (name: string) => import(new URL(`../../scripts/${name}.mjs`, import.meta.url).href)
const { crateOf, sizesIn } = (await script('release/link-map')) as {
  crateOf: (section: string, origin: string) => string
  sizesIn: (file: string) => Record<string, number>
}
const { differences } = (await script('release/differences')) as {
  differences: (one: Buffer, other: Buffer) => string[]
}
const { licenceTexts } = (await script('release/crates')) as {
  licenceTexts: (crate: { folder: string; license: string }) => { name: string; text: string }[]
}
const { changelogFindings } = (await script('release/changelog')) as {
  changelogFindings: (version: string, text: string) => string[]
}
const { patchedCrates } = (await script('patched-crates')) as {
  patchedCrates: (folder?: string) => { name: string; version: string }[]
}

const object = 'addon.0123-cgu.0.rcgu.o'

test('the size of a function counts for the crate that defines it', t => {
  const functions = {
    '.text._RNvMsa_NtCsgEmfK2I1SDS_4core3fmtNtB5_9Formatter3pad': 'std',
    '.text.unlikely._RNvNtNtCsfEOYDRpO4Ta_11miniz_oxide7inflate4core10decompress': 'miniz_oxide',
    '.text._RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeNtNtCs1a_4iroh8endpoint8EndpointEBc_': 'iroh',
    '.text._ZN9noq_proto10connection10Connection6handle17h0123456789abcdefE': 'noq_proto',
    '.text._ZN62_$LT$ring..aead..LessSafeKey$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE': 'ring',
    '.text._ZN62_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$serde..Serialize$GT$3fmt17h0123456789abcdefE': 'serde',
    '.text._ZN4core3ptr49drop_in_place$LT$hyper..error..Error$GT$17h0123456789abcdefE': 'hyper',
    '.text.napi_register_module_v1': '(exports)'
  }
  for (const [section, crate] of Object.entries(functions)) t.is(crateOf(section, object), crate, section)
  t.is(crateOf('.text', '/target/release/deps/libring-0c1a.rlib(aes-x86_64.o)'), 'ring')
  t.is(crateOf('.text', '/usr/lib/crtbeginS.o'), '(C library)')
})

test("the sizes of a map add up to the file's size", t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-map-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'addon.map')
  writeFileSync(
    file,
    `             VMA              LMA     Size Align Out     In      Symbol
            1000             1000       40    16 .rodata
            1000             1000       40    16         ${object}:(.rodata.cst16)
            2000             2000      100    16 .text
            2000             2000       80    16         ${object}:(.text._RNvCs1_4iroh4bind)
            2000             2000       80     1                 _RNvCs1_4iroh4bind
            2080             2080       7c    16         ${object}:(.text._RNvCs1_5hyper5serve)
            3000             3000      200    16 .bss
`
  )
  t.deepEqual(sizesIn(file), { '(constants)': 0x40, '(padding)': 4, hyper: 0x7c, iroh: 0x80 })
})

if (process.platform === 'linux')
  test('differences between two addons are listed by section', t => {
    const folder = fileURLToPath(new URL('../../dist', import.meta.url))
    const name = readdirSync(folder).find(each => each.endsWith('.node')) ?? ''
    const one = readFileSync(join(folder, name))
    t.deepEqual(differences(one, Buffer.from(one)), [])
    const other = Buffer.from(one)
    other.write('Assertion', other.indexOf('assertion'), 'latin1')
    const [line, before, after] = differences(one, other)
    t.regex(line ?? '', /^\.rodata\S*: \d+ bytes, differs from byte \d+ on$/)
    t.true(before?.includes('assertion'))
    t.true(after?.includes('Assertion'))
  })

test('each changed copy of a crate is looked up as the version that was published', t => {
  const copies = readdirSync(new URL('../../third_party', import.meta.url), { withFileTypes: true })
  const names = copies.filter(each => each.isDirectory()).map(each => each.name)
  const patched = patchedCrates()
  t.deepEqual(patched.map(({ name }) => name).sort(), names.sort())
  const lock = readFileSync(new URL('../../Cargo.lock', import.meta.url), 'utf8')
  for (const { name, version } of patched) t.true(lock.includes(`name = "${name}"\nversion = "${version}"\n`), name)
  t.deepEqual(patchedCrates('models'), [])
})

test('the licences of code inside a crate are found, but not of its tests', t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-crate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const files = [
    'LICENSE-MIT',
    'third_party/fiat/LICENSE',
    'LICENSES/ISC.txt',
    'tests/LICENSE',
    '.github/license.yml',
    'src/license.rs'
  ]
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), `text of ${file}\n`)
  }
  const texts = licenceTexts({ folder, license: 'MIT' }).map(({ text }) => text)
  t.deepEqual(texts.sort(), ['text of LICENSE-MIT', 'text of LICENSES/ISC.txt', 'text of third_party/fiat/LICENSE'])
})

test('a version is published with a dated section of the changelog', t => {
  t.deepEqual(changelogFindings('1.2.3', '# Changelog\n\n## 1.2.3, 2026-05-01\n'), [])
  t.regex(changelogFindings('1.2.3', '## 1.2.4, 2026-05-01\n').join(), /no section 1\.2\.3/)
  for (const heading of ['## 1.2.3', '## 1.2.3, not yet released', '## 1.2.3, Unreleased'])
    t.regex(changelogFindings('1.2.3', `${heading}\n`).join(), /no date/, heading)
})

test('each command starts in a fresh clone, where no package is installed yet', t => {
  const root = new URL('../../', import.meta.url)
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>
  }
  const files = Object.values(scripts).flatMap(each => /^node (\S+)/.exec(each)?.slice(1) ?? [])
  t.true(files.includes('scripts/release.mjs'))
  const found = new Set(files.map(file => new URL(file, root).href))
  for (const file of found)
    for (const each of ts.createSourceFile(file, readFileSync(new URL(file), 'utf8'), ts.ScriptTarget.Latest)
      .statements) {
      if (!ts.isImportDeclaration(each) || !ts.isStringLiteral(each.moduleSpecifier)) continue
      const from = each.moduleSpecifier.text
      if (from.startsWith('.')) found.add(new URL(from, file).href)
      else t.true(from.startsWith('node:'), `${file} imports ${from}`)
    }
})

test('no test depends on the version, which each release changes', t => {
  const root = new URL('../../', import.meta.url)
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
  const escaped = version.replaceAll('.', String.raw`\.`)
  const stated = new RegExp(String.raw`(?<![\d.])(${escaped}|${escaped.replaceAll('\\', String.raw`\\`)})(?![\d.])`)
  for (const folder of ['__test__', 'packages/mail/__test__'])
    for (const file of readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts') && !file.includes('node_modules'))
        t.notRegex(readFileSync(new URL(`${folder}/${file}`, root), 'utf8'), stated, file)
})

const workflow = (name: string) => readFileSync(new URL(`../../.github/workflows/${name}.yml`, import.meta.url), 'utf8')

test('a release is built and packed by one rustc and one Node.js', t => {
  const compilers = ['ci', 'release'].map(name => workflow(name).match(/RUSTUP_TOOLCHAIN: \S+/g) ?? [])
  t.deepEqual(
    compilers.map(each => each.length),
    [2, 1]
  )
  const [compiler = ''] = compilers.flat()
  t.regex(compiler, /: \d+\.\d+\.\d+$/)
  t.deepEqual([...new Set(compilers.flat())], [compiler])
  const versions = workflow('release').match(/node-version: [^,]+/g) ?? []
  t.is(new Set(versions).size, 1)
  t.regex(versions[0] ?? '', /: \d+\.\d+\.\d+$/)
})

test('no build of a release reads a cache', t => {
  const jobs = workflow('ci').split(/^ {2}(?=[\w-]+:$)/m)
  for (const name of ['build', 'reproduce']) {
    const steps = (jobs.find(job => job.startsWith(`${name}:`)) ?? '').split(/^ {6}- /m).slice(1)
    t.true(steps.length > 0, name)
    for (const step of steps) {
      t.notRegex(step, /\bcache: npm/, name)
      if (/uses: \S*cache@/.test(step)) t.regex(step, /^if: github\.ref_type != 'tag'$/m, name)
    }
  }
})

test('what workflows install by pip or cargo is named by its checksum', t => {
  const root = new URL('../../', import.meta.url)
  const files = ['.github/workflows/ci.yml', '.github/workflows/release.yml', '.ci/run']
  const texts = files.map(file => readFileSync(new URL(file, root), 'utf8')).join('\n')
  const installs = texts.match(/\b(pip|cargo) install (\\\n|.)*/g) ?? []
  t.true(installs.length >= 7)
  for (const each of installs) t.regex(each, /--requirement "?\.ci\/pip\/\S+\.txt|--locked .*@\d+\.\d+\.\d+$/, each)
  for (const name of readdirSync(new URL('.ci/pip', root)))
    t.regex(readFileSync(new URL(`.ci/pip/${name}`, root), 'utf8'), /^--require-hashes$/m, name)
  // It downloads a compiler without a checksum.
  t.notRegex(texts, /--use-napi-cross/)
})
