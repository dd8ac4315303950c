// The file of an account: atomic, locked, and never overwritten when it is damaged.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { SecretKey } from 'fastn-net'
import { type AccountData, fileStore } from 'fastn-net/account'

const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const file = () => join(mkdtempSync(join(folder, 'account-')), 'account.json')

const data = (name: string): AccountData => ({
  aliases: { [name]: { id52: SecretKey.generate().id52 } },
  groups: {},
  rules: [],
  devices: {},
  invitations: {}
})

test('saved data survives reopening the file', async t => {
  const path = file()
  const store = fileStore(path)
  t.is(await store.open(), undefined)
  const saved = data('alice')
  await store.save(data('bob'))
  await store.save(saved)
  await store.close()
  if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600)
  t.deepEqual(readdirSync(join(path, '..')).sort(), ['account.json', 'account.json.lock'])
  // Another user who can open the lock file could hold the lock.
  if (process.platform !== 'win32') t.is(statSync(`${path}.lock`).mode & 0o777, 0o600)
  const again = fileStore(path)
  t.deepEqual(await again.open(), saved)
  await again.close()
})

test('an open account cannot be opened a second time', async t => {
  const path = file()
  const [first, second] = [fileStore(path), fileStore(path)]
  await first.open()
  await t.throwsAsync(second.open(), { code: 'ERR_BUSY', message: /account\.json\.lock/ })
  await first.close()
  await second.open()
  await second.close()
  await t.throwsAsync(second.save(data('alice')), { code: 'ERR_CLOSED' })
})

test('a damaged file is a clear error and is not changed', async t => {
  const damaged: [string | Buffer, RegExp][] = [
    ['{"format":"fastn-net account","vers', /is not JSON\. It was not changed/],
    [Buffer.from([0x7b, 0xff]), /is not JSON/],
    ['', /is not JSON/],
    ['[]', /does not contain an account/],
    ['{"format":"something else"}', /"format" is not/],
    ['{"format":"fastn-net account","version":2}', /its version is 2; this program reads version 1/]
  ]
  for (const [content, message] of damaged) {
    const path = file()
    writeFileSync(path, content)
    const store = fileStore(path)
    await t.throwsAsync(store.open(), { code: 'ERR_FILE', message })
    t.deepEqual(readFileSync(path), Buffer.from(content))
    // The lock is free again.
    writeFileSync(path, JSON.stringify({ format: 'fastn-net account', version: 1, ...data('alice') }))
    t.deepEqual(Object.keys((await store.open())?.aliases ?? {}), ['alice'])
    await store.close()
  }
})

test('only leftovers of an interrupted change are removed', async t => {
  const path = file()
  const beside = join(path, '..')
  writeFileSync(`${path}.00000000-0000-0000-0000-000000000000.new`, 'half')
  writeFileSync(`${path}.mine.new`, 'mine')
  const store = fileStore(path)
  await store.open()
  t.deepEqual(readdirSync(beside).sort(), ['account.json.lock', 'account.json.mine.new'])
  await store.close()
})

test('a missing folder is an error that names it', async t => {
  await t.throwsAsync(fileStore(join(folder, 'none', 'account.json')).open(), { code: 'ERR_FILE', message: /none/ })
})
