// An addon that cannot be loaded: the error names the actual cause.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { version: own } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const onGlibc = 'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header
const abi = process.platform === 'linux' ? (onGlibc ? '-gnu' : '-musl') : process.platform === 'win32' ? '-msvc' : ''
const target = `${process.platform}-${process.arch}${abi}`
const name = `fastn-net-${target}`

interface Told {
  code: string
  message: string
  causes: string[]
}

/** Installs the package without a platform package, plus `files`. Returns the error of the first call. */
function load(t: ExecutionContext, files: Record<string, string> = {}, options: Options = {}): Told {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-native-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { copy = 'node_modules/fastn-net', before = '', addon } = options
  for (const file of ['package.json', 'dist/index.js', 'dist/node.js'])
    cpSync(join(root, file), join(folder, copy, file))
  for (const [file, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    if (text === '') rmSync(join(folder, file))
    else writeFileSync(join(folder, file), text)
  }
  writeFileSync(
    join(folder, 'main.mjs'),
    `${before}
const { SecretKey } = await import('./${copy}/dist/index.js')
try {
  SecretKey.generate()
  console.log(JSON.stringify({ code: 'none', message: '', causes: [] }))
} catch (error) {
  const causes = []
  for (let cause = error.cause; cause; cause = cause.cause) causes.push(cause.message)
  console.log(JSON.stringify({ code: error.code, message: error.message, causes }))
}`
  )
  const { FASTN_NET_ADDON: _, ...rest } = process.env
  const env = addon === undefined ? rest : { ...rest, FASTN_NET_ADDON: addon }
  return JSON.parse(execFileSync(process.execPath, ['main.mjs'], { cwd: folder, env, encoding: 'utf8' })) as Told
}

interface Options {
  /** Folder of the package. */
  copy?: string
  /** Code that runs before the import. */
  before?: string
  /** FASTN_NET_ADDON. */
  addon?: string
}

const installed = (of: string, main: string, text: string, version = own) => ({
  [`node_modules/${of}/package.json`]: JSON.stringify({ name: of, version, main }),
  [`node_modules/${of}/${main}`]: text
})

test('names a missing package and its C library', t => {
  const { code, message, causes } = load(t)
  t.is(code, 'ERR_NATIVE')
  t.true(message.includes(name), message)
  t.regex(message, /not installed/)
  if (process.platform === 'linux') t.regex(message, onGlibc ? /glibc/ : /musl/)
  // No trace of the loader's search through all possible names.
  t.deepEqual(
    causes.filter(cause => !cause.includes(name)),
    []
  )
})

test('the error begins with the reason why the system cannot load the addon', t => {
  const { code, message, causes } = load(t, installed(name, 'addon.node', 'no library'))
  t.is(code, 'ERR_NATIVE')
  t.true(message.includes(name), message)
  t.regex(causes[0] ?? '', /addon\.node|invalid|too short/)
  t.true(message.includes(causes[0]?.split('\n')[0] ?? 'no cause'), message)
  t.is(causes.length, 1, causes.join('\n'))
})

test('reports a package without its addon file', t => {
  const { message } = load(t, {
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: own, main: 'gone.node' })
  })
  t.regex(message, /gone\.node/)
})

test('refuses an addon of another version', t => {
  const { code, message } = load(t, installed(name, 'index.js', "exports.version = () => '9.9.9'", '9.9.9'))
  t.is(code, 'ERR_NATIVE')
  t.true(message.includes('9.9.9') && message.includes(own), message)
})

test('refuses an addon without a version', t => {
  t.is(load(t, installed(name, 'index.js', 'exports.other = 1')).code, 'ERR_NATIVE')
})

test('names the package of another system, from a copied folder', t => {
  const other = target === 'linux-arm64-musl' ? 'linux-x64-gnu' : 'linux-arm64-musl'
  const { message } = load(t, installed(`fastn-net-${other}`, 'addon.node', 'x'))
  t.true(message.includes(name) && message.includes(`fastn-net-${other}`), message)
})

test('lists the supported platforms on a platform without an addon', t => {
  const before = "Object.defineProperty(process, 'platform', { value: 'sunos' })"
  const { code, message } = load(t, {}, { before })
  t.is(code, 'ERR_NATIVE')
  t.regex(message, /sunos.*Supported are darwin-arm64/)
})

test('the error tells a bundle to keep the package external, or to copy the addon', t => {
  const { code, message } = load(t, { 'out/package.json': '' }, { copy: 'out' })
  t.is(code, 'ERR_NATIVE')
  t.regex(message, /bundled into .*index\.js: keep fastn-net external, or copy/)
  t.true(message.includes(`fastn-net.${target}.node of the package ${name}`), message)
})

test('the error tells an unbuilt clone to build', t => {
  const { message } = load(t, { 'node_modules/fastn-net/Cargo.toml': '[workspace]' })
  t.regex(message, /npm run build/)
})

test('FASTN_NET_ADDON selects the file, and the error names one that cannot be loaded, with the reason', t => {
  const file = readdirSync(join(root, 'dist')).find(each => each.endsWith('.node'))
  t.is(load(t, {}, { addon: join(root, 'dist', file ?? 'no addon in dist') }).code, 'none')
  const { code, message } = load(t, { 'other.node': 'no library' }, { addon: 'other.node' })
  t.is(code, 'ERR_NATIVE')
  t.regex(message, /other\.node, as FASTN_NET_ADDON says, could not be loaded: ./)
  t.regex(load(t, {}, { addon: 'gone.node' }).message, /gone\.node/)
})
