// Checks that a package is complete before it is published. `napi prepublish` only warns about a missing platform.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { at, fail } from './util.mjs'

const json = (...path) => JSON.parse(readFileSync(at(...path, 'package.json'), 'utf8'))
const { napi, optionalDependencies = {}, repository, version } = json()
const platforms = readdirSync(at('npm'))
const missing = []

if (!readFileSync(at('src', 'version.ts'), 'utf8').includes(`'${version}'`)) missing.push(`src/version.ts: ${version}`)
if (repository === undefined) missing.push('repository: npm refuses provenance without it')
if (platforms.length !== napi.targets.length) missing.push(`${napi.targets.length} folders in npm, one for each target`)
for (const platform of platforms) {
  const { main, name } = json('npm', platform)
  if (!existsSync(at('npm', platform, main))) missing.push(`npm/${platform}/${main}`)
  if (optionalDependencies[name] !== version) missing.push(`optionalDependencies: ${name} ${version}`)
}
for (const file of [
  'dist/index.js',
  'dist/index.js.map',
  'dist/node.js',
  'dist/account.js',
  'index.d.ts',
  'node.d.ts',
  'account.d.ts'
]) {
  if (!existsSync(at(file))) missing.push(file)
}
if (missing.length > 0) fail(`Not published, missing:\n  ${missing.join('\n  ')}`)
