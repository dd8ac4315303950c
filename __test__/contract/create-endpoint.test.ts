// createEndpoint makes or loads the endpoint's key.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createEndpoint, Graceful, SecretKey } from 'fastn-net'

const loopback = { network: 'loopback' } as const

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-key-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the default key is ephemeral: each endpoint has its own', async t => {
  await using first = await createEndpoint(loopback)
  await using second = await createEndpoint({ ...loopback, key: 'ephemeral' })
  t.not(first.id52, second.id52)
  const listener = second.listen({ Echo: stream => stream.finish('hello\n') })
  await listener.ready
  await using stream = await first.getStream(second.address(), 'Echo')
  t.is(await stream.nextString(), 'hello')
})

test('a path keeps the key in a file of mode 0600', async t => {
  const folder = folderFor(t)
  const key = join(folder, 'server.key')
  const first = await createEndpoint({ ...loopback, key })
  await first.close()
  const stored = readFileSync(key, 'utf8')
  t.is(SecretKey.from(stored).id52, first.id52)
  if (process.platform !== 'win32') t.is(statSync(key).mode & 0o777, 0o600)
  await using second = await createEndpoint({ ...loopback, key })
  t.is(second.id52, first.id52)
  t.deepEqual([readFileSync(key, 'utf8'), readdirSync(folder)], [stored, ['server.key']])
})

test('a key file is created, but not its folder', async t => {
  const folder = folderFor(t)
  const key = join(folder, 'mistyped', 'server.key')
  const error = await t.throwsAsync(createEndpoint({ ...loopback, key }), { code: 'ERR_KEY_STORE' })
  t.true(error.message.includes(`${join(folder, 'mistyped')} does not exist`), error.message)
  t.deepEqual(readdirSync(folder), [])
})

test('a string that is not meant as a path creates no file, and the error says what to pass', async t => {
  const before = readdirSync('.')
  const { id52, publicKey } = SecretKey.generate()
  await using endpoint = await createEndpoint(loopback)
  const secret = SecretKey.generate()
  const base64 = Buffer.from(secret.toBytes()).toString('base64')
  for (const [key, message] of [
    ['ephemral', /did you mean 'ephemeral'\? For a file of this name, write '\.\/ephemral'$/],
    ['Ephemeral', /did you mean 'ephemeral'/],
    ['ephemeral ', /did you mean 'ephemeral'/],
    [id52, /SecretKey\.from/],
    [id52.toUpperCase(), /SecretKey\.from/],
    [publicKey.toHex(), /SecretKey\.from/],
    [await endpoint.ticket(), /SecretKey\.from/],
    [secret.toHex(), /SecretKey\.from/],
    [`${secret.toHex()}\n`, /SecretKey\.from/],
    [base64, /SecretKey\.from/],
    [' ', /path/]
  ] as const) {
    const error = await t.throwsAsync(createEndpoint({ ...loopback, key }), { code: 'ERR_INVALID_ARGUMENT', message })
    t.false(error.message.includes(secret.toHex()) || error.message.includes(base64), error.message)
  }
  t.deepEqual(readdirSync('.'), before)
})

test("a file named like 'ephemeral' takes a path", async t => {
  const key = join(folderFor(t), 'ephemral')
  await using endpoint = await createEndpoint({ ...loopback, key })
  t.is(SecretKey.from(readFileSync(key, 'utf8')).id52, endpoint.id52)
})

test('endpoints that start at the same time with one path have the same key', async t => {
  const key = join(folderFor(t), 'key')
  const endpoints = await Promise.all(Array.from({ length: 4 }, () => createEndpoint({ ...loopback, key })))
  t.is(new Set(endpoints.map(({ id52 }) => id52)).size, 1)
  await Promise.all(endpoints.map(endpoint => endpoint.close()))
})

test('a key file without a valid key is an error and stays unchanged', async t => {
  const key = join(folderFor(t), 'key')
  writeFileSync(key, 'not a key\n')
  await t.throwsAsync(createEndpoint({ ...loopback, key }), { code: 'ERR_KEY_STORE' })
  t.is(readFileSync(key, 'utf8'), 'not a key\n')
})

test('takes a SecretKey and the options of getEndpoint', async t => {
  const key = SecretKey.generate()
  const graceful = new Graceful()
  await using endpoint = await createEndpoint({ ...loopback, key, graceful, allow: [] })
  t.is(endpoint.id52, key.id52)
  t.deepEqual(endpoint.access.lists.allow, [])
  t.true((await graceful.shutdown()).clean)
  await t.throwsAsync(createEndpoint({ ...loopback, graceful }), { code: 'ERR_SHUTTING_DOWN' })
})

test('invalid options are errors, and no key file is created', async t => {
  const folder = folderFor(t)
  const key = join(folder, 'key')
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  for (const options of [
    { key, kye: 1 },
    { key, openTimeout: -1 },
    { key, network: 'moon' },
    { key, graceful: { timeout: -1 } },
    { key: '' },
    { key: 5 },
    { key: null },
    { key: 'a\0b' }
  ])
    await t.throwsAsync(createEndpoint(options as never), invalid, JSON.stringify(options))
  await t.throwsAsync(createEndpoint({ keys: key } as never), { ...invalid, message: /did you mean 'key'/ })
  const secret = SecretKey.generate().toHex()
  const error = await t.throwsAsync(createEndpoint({ key: secret }), { ...invalid, message: /SecretKey\.from/ })
  t.false(error.message.includes(secret))
  await t.throwsAsync(createEndpoint({ key, signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
  t.deepEqual(readdirSync(folder), [])
})
