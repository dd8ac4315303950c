// malai's commands and keys.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { SecretKey } from 'fastn-net'
import { cli, folderFor, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const { id52 } = SecretKey.generate()

/** A module that replaces `@napi-rs/keyring` by a keyring with one entry: its service, account and secret. */
function fakeKeyring(entry: string): string {
  const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
  const keyring = `
    export class AsyncEntry {
      constructor(service, account) { this.path = service + '/' + account + '/' }
      async getSecret() {
        const entry = ${JSON.stringify(entry)}
        return entry.startsWith(this.path) ? [...Buffer.from(entry.slice(this.path.length), 'hex')] : null
      }
    }`
  const hooks = `
    export async function resolve(specifier, context, next) {
      if (specifier !== '@napi-rs/keyring') return next(specifier, context)
      return { url: ${JSON.stringify(url(keyring))}, shortCircuit: true }
    }`
  return url(`import { register } from 'node:module'; register(${JSON.stringify(url(hooks))})`)
}

test('http-proxy and http-proxy-remote are proxy and proxy-remote', async t => {
  for (const name of ['proxy', 'proxy-remote']) {
    const own = await cli([name, '--help'])
    t.deepEqual((await cli([`http-${name}`, '--help'])).lines, own.lines)
  }
  const { code, stderr } = await cli(['http-proxy-remote', '--public'])
  t.is(code, 2)
  t.regex(stderr, /^fastn-net proxy-remote: .*target/)
})

test('http-bridge takes -t and -p', async t => {
  for (const words of [
    ['-t', id52, '-p', '0'],
    [`--proxy-target=${id52}`, '--port=0'],
    ['--port', '0', '--proxy-target', id52]
  ]) {
    const { event, port } = JSON.parse(await serving(t, ['http-bridge', ...words, '--json']))
    t.is(event, 'ready')
    t.true(port > 0)
  }
  const { code, stderr } = await cli(['http-bridge', '-t', 'i66fo', '-p', '0'])
  t.is(code, 2)
  t.regex(stderr, /ID52/)
})

test('browse takes a kulfi URL', async t => {
  for (const [path, shown] of [
    ['', '/'],
    ['/', '/'],
    ['/docs/a?q=1', '/docs/a?q=1']
  ] as const) {
    const line = await serving(t, ['browse', `kulfi://${id52}${path}`, '--no-open'])
    t.regex(line, /^http:\/\/localhost:\d+\//)
    t.is(new URL(line).pathname + new URL(line).search, shown)
  }
})

const elsewhere: Record<string, [string[], RegExp]> = {
  'http --bridge': [['http', '8080', '--public', '--bridge', 'kulfi.site'], /browse or http-bridge/],
  'folder --bridge=': [['folder', '.', '--public', '--bridge=kulfi.site'], /browse or http-bridge/],
  'run --home': [['run', '--home', 'x'], /fastn-net run FILE/]
}
for (const [what, [args, message]] of Object.entries(elsewhere)) {
  test(`${what} of malai fails with status 2, and says what to do instead`, async t => {
    const { code, stderr } = await cli(args)
    t.is(code, 2)
    t.regex(stderr, message)
  })
}

test('--malai uses the key of malai if there is no other', async t => {
  const cwd = folderFor(t)
  const [own, ofFile, ofVariable] = [SecretKey.generate(), SecretKey.generate(), SecretKey.generate()]
  writeFileSync(join(cwd, '.malai.secret-key'), `${ofFile.toHex()}\n`)
  const args = ['tcp', '1', '--public', '--json']
  const shown = async (env: Record<string, string>, ...more: string[]) =>
    JSON.parse(await serving(t, [...args, ...more], { cwd, env })).id52
  const variable = { KULFI_SECRET_KEY: ofVariable.toHex() }
  t.is(await shown({}, '--malai'), ofFile.id52)
  t.is(await shown(variable, '--malai'), ofVariable.id52)
  t.is(await shown({ ...variable, FASTN_SECRET_KEY: own.toHex() }, '--malai'), own.id52)
  t.false([ofFile.id52, ofVariable.id52].includes(await shown(variable)))
})

test('--malai reads a key from the keyring of malai, and replaces none', async t => {
  const cwd = folderFor(t)
  const key = SecretKey.generate()
  writeFileSync(join(cwd, '.malai.id52'), key.id52)
  const args = ['tcp', '1', '--public', '--malai', '--json']
  const missing = await cli(args, { cwd })
  t.is(missing.code, 1)
  t.regex(missing.lines.join(), /npm install @napi-rs\/keyring; or give --key FILE/)
  const fake = (entry: string) => ({ NODE_OPTIONS: `--import ${fakeKeyring(entry)}` })
  t.is(JSON.parse(await serving(t, args, { cwd, env: fake(`kulfi/${key.id52}/${key.toHex()}`) })).id52, key.id52)
  const empty = await cli(args, { cwd, env: fake('') })
  t.is(empty.code, 1)
  t.regex(empty.lines.join(), /is not in the keyring of malai/)
})

test('run: malai = true', async t => {
  const cwd = folderFor(t)
  const key = SecretKey.generate()
  writeFileSync(join(cwd, '.malai.secret-key'), key.toHex())
  writeFileSync(join(cwd, 'fastn-net.toml'), 'malai = true\n[services.a]\nkind = "tcp"\ntarget = 1\npublic = true\n')
  t.is(JSON.parse(await serving(t, ['run', '--json'], { cwd })).id52, key.id52)
})
