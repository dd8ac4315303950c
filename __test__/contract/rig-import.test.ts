// Importing the keys of a folder of the original. packages/mail tests names and mails, which need a newer Node.js.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SecretKey } from 'fastn-net'
import { importRig, initRig, rigEntities } from 'fastn-net/rig'

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-import-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A home of the original with these accounts and the aliases of each. */
function original(t: ExecutionContext, rig: SecretKey, accounts: readonly (readonly SecretKey[])[]): string {
  const home = folderFor(t)
  mkdirSync(join(home, 'rig'))
  writeFileSync(join(home, 'rig', 'rig.private-key'), rig.toHex())
  writeFileSync(join(home, '.fastn.lock'), '')
  for (const aliases of accounts) {
    const folder = join(home, 'accounts', aliases[0]?.id52 ?? '', 'aliases')
    mkdirSync(folder, { recursive: true })
    for (const key of aliases) writeFileSync(join(folder, `${key.id52}.private-key`), key.toHex())
  }
  return home
}

const keys = Array.from({ length: 4 }, () => SecretKey.generate())
const [rigKey, one, two, three] = keys as [SecretKey, SecretKey, SecretKey, SecretKey]

test('a new home gets the key of the rig and all aliases of all accounts, once', async t => {
  const source = original(t, rigKey, [[one, two], [three]])
  const home = join(folderFor(t), 'new')
  const { accounts } = await importRig(source, { home })
  t.deepEqual(
    accounts.map(({ account, aliases }) => [account, [...aliases].sort()]).sort(),
    [
      [one.id52, [one.id52, two.id52].sort()],
      [three.id52, [three.id52]]
    ].sort()
  )
  const { id52, entities } = await rigEntities({ home })
  t.is(id52, rigKey.id52)
  t.is(entities.length, 4)
  t.is((await importRig(source, { home })).accounts.length, 2)
  t.is((await rigEntities({ home })).entities.length, 4)
})

test('an existing home keeps its rig and owner', async t => {
  const home = folderFor(t)
  const before = await initRig({ home })
  await importRig(original(t, rigKey, [[one]]), { home })
  const after = await rigEntities({ home })
  t.is(after.id52, before.id52)
  t.is(after.owner, before.owner)
  t.deepEqual(readdirSync(join(home, 'accounts')).sort(), [before.owner, one.id52].sort())
})

test('an unrelated folder and a misnamed key are errors', async t => {
  const home = join(folderFor(t), 'new')
  await t.throwsAsync(importRig(folderFor(t), { home }), { code: 'ERR_FILE', message: /not one of the original/ })
  const source = original(t, rigKey, [[one]])
  writeFileSync(join(source, 'accounts', one.id52, 'aliases', `${two.id52}.private-key`), three.toHex())
  await t.throwsAsync(importRig(source, { home }), { code: 'ERR_KEY_STORE', message: new RegExp(three.id52) })
})
