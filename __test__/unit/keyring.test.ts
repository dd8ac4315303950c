import { mkdtempSync, rmSync } from 'node:fs'
import { register } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { isFastnNetError, loadSecretKey, SecretKey, saveSecretKey } from 'fastn-net'

// A fake of @napi-rs/keyring with the same interface: no test uses a real keyring.
interface Fake {
  loads: number
  entries: Map<string, Uint8Array>
  options: unknown[]
}

const fake: Fake = { loads: 0, entries: new Map(), options: [] }
Object.assign(globalThis, { fakeKeyring: fake })

const source = `
  const fake = globalThis.fakeKeyring
  fake.loads += 1
  const key = entry => entry.service + '/' + entry.account
  export class AsyncEntry {
    constructor(service, account, options) {
      Object.assign(this, { service, account })
      fake.options.push(options)
    }
    async getPassword() {
      const bytes = fake.entries.get(key(this))
      return bytes === undefined ? null : new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    }
    async getSecret() {
      const bytes = fake.entries.get(key(this))
      return bytes === undefined ? null : Array.from(bytes)
    }
    async setSecret(bytes) { fake.entries.set(key(this), Uint8Array.from(bytes)) }
  }`

const dataUrl = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`

register(
  dataUrl(`
    export async function resolve(specifier, context, next) {
      if (specifier !== '@napi-rs/keyring') return next(specifier, context)
      return { url: ${JSON.stringify(dataUrl(source))}, shortCircuit: true }
    }`)
)

const env = {}

test.serial('the keyring package is loaded only if the keyring is used', async t => {
  const { id52 } = SecretKey.generate()
  t.is(await loadSecretKey({ id52, env }), null)
  t.is(fake.loads, 0)
  t.is(await loadSecretKey({ id52, env, keyring: true }), null)
  t.is(fake.loads, 1)
})

test.serial('uses the service and account of the Rust programs, and reads both of their formats', async t => {
  const secretKey = SecretKey.generate()
  const { id52 } = secretKey
  for (const stored of [secretKey.toBytes(), new TextEncoder().encode(secretKey.toHex())]) {
    fake.entries.set(`fastn/${id52}`, stored)
    t.is((await loadSecretKey({ id52, env, keyring: true }))?.toHex(), secretKey.toHex())
  }
  fake.entries.set(`fastn/${id52}`, SecretKey.generate().toBytes())
  t.true(isFastnNetError(await t.throwsAsync(loadSecretKey({ id52, env, keyring: true })), 'ERR_KEY_STORE'))
})

test.serial('writes bytes to a keyring that survives a reboot', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-keyring-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const secretKey = SecretKey.generate()
  await saveSecretKey(secretKey, { folder, keyring: true })
  t.deepEqual(fake.entries.get(`fastn/${secretKey.id52}`), secretKey.toBytes())
  t.deepEqual(fake.options.at(-1), { linux: { store: 'secret-service' } })
  t.is((await loadSecretKey({ folder, env, keyring: true }))?.toHex(), secretKey.toHex())
})

test('a keyring needs read and write', async t => {
  const { id52 } = SecretKey.generate()
  const [read, write] = [async () => null, async () => {}]
  for (const wrong of [null, 5, 'yes', {}, { read }, { write }, { read, write: true }] as never[]) {
    const error = await t.throwsAsync(loadSecretKey({ id52, env: {}, keyring: wrong }))
    t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'))
    t.regex(error!.message, /^options\.keyring must be a boolean or an object with read and write/)
  }
  t.is(await loadSecretKey({ id52, env: {}, keyring: { read, write } }), null)
})

test('the cause of a keyring failure is kept, and there is none for a wrong entry', async t => {
  const [{ id52 }, other] = [SecretKey.generate(), SecretKey.generate()]
  const locked = new Error('locked')
  const entries: [() => Promise<string>, unknown, RegExp][] = [
    [() => Promise.reject(locked), locked, /cannot read the secret key/],
    [async () => other.toHex(), undefined, /is the secret key of/]
  ]
  for (const [read, cause, message] of entries) {
    const error = await t.throwsAsync(loadSecretKey({ id52, env: {}, keyring: { read, write: async () => {} } }))
    t.regex(error!.message, message)
    t.is(error!.cause, cause)
    t.is('cause' in error!, cause !== undefined)
  }
})
