// The files of the command line in the package.
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { cliFile, folderFor } from './support/cli.js'

const root = new URL('../../', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')

test('the program runs by its name, through the link that npm makes', t => {
  const { bin, version } = JSON.parse(text('package.json'))
  t.deepEqual(bin, { 'fastn-net': 'dist/cli.js' })
  if (process.platform === 'win32') return
  const name = join(folderFor(t), 'fastn-net')
  symlinkSync(cliFile, name)
  t.is(execFileSync(name, ['--version'], { encoding: 'utf8' }), `${version}\n`)
})

test('the program imports only the library and Node.js, and the library does not contain it', t => {
  const imports = [...text('dist/cli.js').matchAll(/^import .*? from '([^']+)';$/gm)].map(match => match[1] ?? '')
  t.true(imports.includes('./index.js'))
  const library = ['./index.js', './node.js', './account.js', './rig.js', './rig-services.js']
  const others = imports.filter(name => !name.startsWith('node:') && !library.includes(name))
  t.deepEqual(others, [])
  t.false(text('dist/index.js').includes('fastn-net COMMAND'))
})

test('the licence of every bundled package is shipped', t => {
  const { dependencies } = JSON.parse(text('package.json'))
  t.is(dependencies, undefined)
  const licences = text('dist/THIRD-PARTY-LICENSES')
  t.regex(licences, /^uqr [\d.]+ \(MIT\)\n\nMIT License\n/m)
  t.regex(licences, /^mrmime [\d.]+ \(MIT\)\n\nThe MIT License/m)
  t.regex(licences, /^smol-toml [\d.]+ \(BSD-3-Clause\)\n\nCopyright/m)
})
