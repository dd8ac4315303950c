import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import {
  isFastnNetError,
  type Keyring,
  loadSecretKey,
  readOrCreateSecretKey,
  SecretKey,
  saveSecretKey
} from 'fastn-net'

const secret = '100d7e23f222267ba0be43855a262461b8a7718572edf58c56db912156d2bc25'
const id52 = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
const other = 'e357e8a31fa82958cf0a7697846cb9ed494807d5d8bf95bac9ed21207d8ce6a3'

// An explicit environment per call, because the tests' own may contain keys.
const env = {}

function temporary(t: ExecutionContext, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-keys-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

class Vault implements Keyring {
  readonly secrets = new Map<string, string | Uint8Array>()
  async read(account: string): Promise<string | Uint8Array | null> {
    return this.secrets.get(account) ?? null
  }
  async write(account: string, bytes: Uint8Array): Promise<void> {
    this.secrets.set(account, bytes)
  }
}

async function keyStoreError(t: ExecutionContext, work: Promise<unknown>, says: RegExp): Promise<void> {
  const error = await t.throwsAsync(work, { message: says })
  t.true(isFastnNetError(error, 'ERR_KEY_STORE'), inspect(error))
  for (const text of [secret, other]) t.false(inspect(error).includes(text.slice(0, 12)))
}

test('without a name, finds the key in the variable, then in the file', async t => {
  const folder = temporary(t, { '.fastn.secret-key': `${secret}\n` })
  t.is((await loadSecretKey({ folder, env }))?.toHex(), secret)
  t.is((await loadSecretKey({ folder, env: { FASTN_SECRET_KEY: other } }))?.toHex(), other)
  t.is(await loadSecretKey({ folder: temporary(t), env }), null)
  await keyStoreError(t, loadSecretKey({ folder, env: { FASTN_SECRET_KEY: '' } }), /FASTN_SECRET_KEY/)
  await keyStoreError(
    t,
    loadSecretKey({ folder: temporary(t, { '.fastn.secret-key': secret.slice(1) }), env }),
    /63 characters/
  )
})

test('a named key has one of two files', async t => {
  const folder = temporary(t, { 'a.private-key': secret, 'b.private-key': secret, 'b.id52': id52 })
  t.is((await loadSecretKey({ folder, name: 'a', env }))?.id52, id52)
  t.is(await loadSecretKey({ folder, name: 'c', env }), null)
  await keyStoreError(t, loadSecretKey({ folder, name: 'b', env }), /only one may be/)
  const error = await t.throwsAsync(loadSecretKey({ folder, name: '../a', env }))
  t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'))
})

test('a name must be a plain file name', async t => {
  const folder = temporary(t)
  for (const name of ['', '.', '..', 'a/b', '../a', 'a\\b', ' a', 'a\n']) {
    for (const work of [loadSecretKey({ folder, name, env }), readOrCreateSecretKey({ folder, name, env })]) {
      const error = await t.throwsAsync(work, { message: /give a plain file name/ }, name)
      t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'), inspect(error))
    }
  }
  t.deepEqual(readdirSync(folder), [])
})

test('a byte order mark before a key is skipped', async t => {
  const folder = temporary(t, { '.fastn.secret-key': `\ufeff${secret}\r\n` })
  t.is((await loadSecretKey({ folder, env }))?.toHex(), secret)
})

if (process.platform !== 'win32') {
  test('a link to a missing file is an error, and no key is written through it', async t => {
    const folder = temporary(t)
    symlinkSync(join(folder, 'elsewhere'), join(folder, '.fastn.secret-key'))
    const says = /\.fastn\.secret-key is a link to .*elsewhere, which is not there/
    await keyStoreError(t, loadSecretKey({ folder, env }), says)
    await keyStoreError(t, readOrCreateSecretKey({ folder, env }), says)
    await keyStoreError(t, saveSecretKey(SecretKey.generate(), { folder, env }), says)
    t.deepEqual(readdirSync(folder), ['.fastn.secret-key'])
  })
}

test('lines of the environment are found by name and by ID52', async t => {
  const lines = `# keys\nrig: ${other}\ni66f: ${secret}\n`
  const folder = temporary(t, { keys: lines, 'known.id52': id52 })
  for (const given of [{ FASTN_SECRET_KEYS: lines }, { FASTN_SECRET_KEYS_FILE: join(folder, 'keys') }]) {
    t.is((await loadSecretKey({ folder, name: 'rig', env: given }))?.toHex(), other)
    t.is((await loadSecretKey({ id52, env: given }))?.toHex(), secret)
    t.is((await loadSecretKey({ folder, name: 'known', env: given }))?.toHex(), secret)
    t.is(await loadSecretKey({ id52: SecretKey.generate().publicKey, env: given }), null)
  }
  const both = { FASTN_SECRET_KEYS: lines, FASTN_SECRET_KEYS_FILE: join(folder, 'keys') }
  await keyStoreError(t, loadSecretKey({ id52, env: both }), /both set/)
  await keyStoreError(t, loadSecretKey({ id52, env: { FASTN_SECRET_KEYS: `i66f: ${other}` } }), /holds the key of/)
  await keyStoreError(t, loadSecretKey({ id52, env: { FASTN_SECRET_KEYS: `: ${secret}` } }), /nothing before/)
})

test('a saved key is readable by its owner only, found again, and never overwritten', async t => {
  const folder = join(temporary(t), 'made on the way')
  for (const name of [undefined, 'rig']) {
    const path = await saveSecretKey(SecretKey.from(secret), { folder, name })
    t.is(readFileSync(path, 'utf8'), secret)
    if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600)
    t.is((await loadSecretKey({ folder, name, env }))?.toHex(), secret)
    await keyStoreError(t, saveSecretKey(SecretKey.from(other), { folder, name }), /never overwritten/)
    await keyStoreError(
      t,
      saveSecretKey(SecretKey.from(other), { folder, name, keyring: new Vault() }),
      /never overwritten/
    )
    t.is(readFileSync(path, 'utf8'), secret)
  }
  t.deepEqual(readdirSync(folder).sort(), ['.fastn.secret-key', 'rig.private-key'])
})

test('creates a key once and says where it is stored', async t => {
  const folder = temporary(t)
  const made = await readOrCreateSecretKey({ folder, env })
  t.true(made.created)
  t.is(made.place, join(folder, '.fastn.secret-key'))
  const again = await readOrCreateSecretKey({ folder, env })
  t.false(again.created)
  t.is(again.place, made.place)
  t.is(again.secretKey.toHex(), made.secretKey.toHex())
  t.is((await readOrCreateSecretKey({ folder, env: { FASTN_SECRET_KEY: other } })).place, 'FASTN_SECRET_KEY')
})

test('an unusable key is an error and is not replaced', async t => {
  const folder = temporary(t, { '.fastn.secret-key': 'broken' })
  await keyStoreError(t, readOrCreateSecretKey({ folder, env }), /\.fastn\.secret-key/)
  t.deepEqual(readdirSync(folder), ['.fastn.secret-key'])
  const public_ = temporary(t, { '.fastn.id52': id52 })
  await keyStoreError(t, readOrCreateSecretKey({ folder: public_, env }), /keyring: true/)
  await keyStoreError(t, readOrCreateSecretKey({ folder: public_, env, keyring: new Vault() }), /it is not/)
  t.deepEqual(readdirSync(public_), ['.fastn.id52'])
})

test('concurrent processes all get the same key', async t => {
  const folder = temporary(t)
  const script = `
    import { readOrCreateSecretKey } from 'fastn-net'
    const { secretKey } = await readOrCreateSecretKey({ folder: process.argv[1], env: {} })
    process.stdout.write(secretKey.id52)`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, folder])
  const outputs = await Promise.all(Array.from({ length: 4 }, run))
  t.is(new Set(outputs.map(({ stdout }) => stdout)).size, 1)
})

test('with a keyring, the secret is in the keyring and only the ID52 in the file', async t => {
  const folder = temporary(t)
  const keyring = new Vault()
  const { secretKey, place, created } = await readOrCreateSecretKey({ folder, env, keyring })
  t.true(created)
  t.is(place, join(folder, '.fastn.id52'))
  t.is(readFileSync(place, 'utf8'), secretKey.id52)
  t.deepEqual(keyring.secrets.get(secretKey.id52), secretKey.toBytes())
  t.is((await loadSecretKey({ folder, env, keyring }))?.toHex(), secretKey.toHex())
  t.is((await loadSecretKey({ id52: secretKey.id52, env, keyring }))?.toHex(), secretKey.toHex())
  t.is(await loadSecretKey({ id52, env, keyring }), null)
})

test('a keyring entry, hex or bytes, must be the key of its ID52', async t => {
  const keyring = new Vault()
  for (const given of [secret, secret.toUpperCase(), `${secret}\n`, Buffer.from(secret, 'hex')]) {
    keyring.secrets.set(id52, given)
    t.is((await loadSecretKey({ id52, env, keyring }))?.toHex(), secret)
  }
  keyring.secrets.set(id52, other)
  await keyStoreError(t, loadSecretKey({ id52, env, keyring }), /is the secret key of e87aeds/)
  keyring.secrets.set(id52, secret.slice(2))
  await keyStoreError(t, loadSecretKey({ id52, env, keyring }), /is not a secret key/)
  const locked: Keyring = {
    read: () => Promise.reject(new Error('locked')),
    write: () => Promise.reject(new Error('locked'))
  }
  await keyStoreError(t, loadSecretKey({ id52, env, keyring: locked }), /unlocked/)
  await keyStoreError(t, saveSecretKey(SecretKey.generate(), { folder: temporary(t), keyring: locked }), /unlocked/)
})

test('a signal ends the wait for a keyring with its reason', async t => {
  const keyring: Keyring = { read: () => new Promise(() => {}), write: () => new Promise(() => {}) }
  const controller = new AbortController()
  const reason = new Error('enough')
  const load = loadSecretKey({ id52, env, keyring, signal: controller.signal })
  const save = saveSecretKey(SecretKey.generate(), { folder: temporary(t), keyring, signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  t.deepEqual(await Promise.all([t.throwsAsync(load), t.throwsAsync(save)]), [reason, reason])
  t.is(await t.throwsAsync(loadSecretKey({ env, signal: controller.signal })), reason)
})

test('rejects name together with id52', async t => {
  const error = await t.throwsAsync(loadSecretKey({ name: 'a', id52, env }))
  t.true(isFastnNetError(error, 'ERR_INVALID_ARGUMENT'))
  t.true(isFastnNetError(await t.throwsAsync(loadSecretKey({ id52: 'x', env })), 'ERR_PEER_ADDRESS'))
})

test('loading and saving reject a folder that is a file', async t => {
  const folder = join(temporary(t, { plain: '' }), 'plain')
  const says = /plain is not a folder/
  await keyStoreError(t, loadSecretKey({ folder, env }), says)
  await keyStoreError(t, loadSecretKey({ folder, name: 'a', env }), says)
  await keyStoreError(t, saveSecretKey(SecretKey.generate(), { folder }), says)
  await keyStoreError(t, loadSecretKey({ folder: join(folder, 'deeper'), env }), says)
})
