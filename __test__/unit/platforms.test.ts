import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const { napi } = JSON.parse(read('package.json')) as { napi: { targets: string[] } }
const platforms = readdirSync(new URL('../../npm', import.meta.url)).sort()
/** The quoted words in a part of a file. */
const quoted = (file: string, part: RegExp): string[] => {
  const text = part.exec(read(file))?.[0] ?? ''
  return [...text.matchAll(/['"]([^'"]+)['"]/g)].map(([, word]) => word as string)
}

test('each target has a package', t => {
  t.is(platforms.length, napi.targets.length)
})

test('the loader tries the package of each platform', t => {
  t.deepEqual(quoted('src/native/find-addon.ts', /const targets = \[[^\]]*\]/), platforms)
  const cases = quoted('src/native/find-addon.ts', /switch \(target\) \{[^}]*\}/)
  t.deepEqual(
    cases,
    platforms.flatMap(platform => [platform, `fastn-net-${platform}`])
  )
})

test('licences are checked for each target', t => {
  t.deepEqual(quoted('deny.toml', /\ntargets = \[[^\]]*\]/), napi.targets)
})
