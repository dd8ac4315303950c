// On a full disk, the account names the file, keeps its data, and continues once there is space.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const program = `
  import { createEndpoint, SecretKey } from 'fastn-net'
  import { fileStore, openAccount } from 'fastn-net/account'
  const key = SecretKey.generate()
  const endpoint = await createEndpoint({ key, network: 'loopback' })
  const account = await openAccount(endpoint, { store: fileStore(process.argv[1]), key })
  const id52 = SecretKey.generate().id52
  const add = names => account.update(draft => {
    for (const name of names) draft.aliases[name] = { id52 }
    draft.rules = [{ who: names[0], effect: 'allow' }]
  })
  await add(['alice'])
  const many = Array.from({ length: 5000 }, (_, at) => 'peer' + at)
  const { code, message } = await add(many).then(() => ({}), error => error)
  const kept = { names: Object.keys(account.data.aliases), effect: account.explain(id52, 'Chat').effect }
  await add(['bob'])
  await account.close()
  const { aliases } = await fileStore(process.argv[1]).open()
  console.log(JSON.stringify({ code, message, kept, names: Object.keys(aliases) }))
  await endpoint.close()
`

test('a change that does not fit on the disk is an error that names the file, and loses nothing', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'account.json')
  // The limit of a file is 32 or 64 KiB: its unit depends on the shell.
  const limited = ['-c', 'ulimit -f 64 && exec "$@"', 'sh', process.execPath]
  const { stdout } = await promisify(execFile)('sh', [...limited, '--input-type=module', '-e', program, file])
  const { code, message, kept, names } = JSON.parse(stdout)
  t.is(code, 'ERR_FILE')
  t.true(message.includes(file) && /cannot be written \((?:EFBIG|ENOSPC)\)/.test(message), message)
  t.deepEqual(kept, { names: ['alice'], effect: 'allow' })
  t.deepEqual(names.sort(), ['alice', 'bob'])
  t.deepEqual(readdirSync(folder).sort(), ['account.json', 'account.json.lock'])
})
