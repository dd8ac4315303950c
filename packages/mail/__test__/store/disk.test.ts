import { spawnSync } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type MailError, openMailStore, startImap } from 'fastn-mail'
import { ImapClient } from '../helpers/imap-client.js'
import { message, temporaryFolder } from '../helpers/server.js'

/** A disk of a few MiB, or `undefined` where none can be mounted. */
async function smallDisk(t: ExecutionContext, size: string): Promise<string | undefined> {
  const folder = join(await temporaryFolder(t), 'disk')
  await mkdir(folder)
  const mount =
    process.platform === 'linux' &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status === 0
  if (!mount) {
    t.log('skipped: mounting a disk needs root on Linux')
    t.pass()
    return undefined
  }
  t.teardown(() => void spawnSync('umount', ['-l', folder]))
  return folder
}

test('a full disk is ERR_STORAGE, leaves no partial data, and loses nothing', async t => {
  const folder = await smallDisk(t, '4m')
  if (folder === undefined) return
  const store = await openMailStore({ folder })
  const content = new Uint8Array(200_000).fill(97)
  let stored = 0
  const failures: MailError[] = []
  for (let id = 0; id < 40; id++) {
    try {
      await store.deliver({ id: String(id), content })
      stored++
    } catch (error) {
      failures.push(error as MailError)
    }
  }
  t.true(stored > 5 && failures.length > 5)
  for (const { code, cause } of failures) {
    t.is(code, 'ERR_STORAGE')
    t.truthy(cause)
  }
  t.is((await readdir(join(folder, 'new'))).length, stored)
  t.deepEqual(await readdir(join(folder, 'tmp')), [])
  const inbox = store.mailboxes().find(({ name }) => name === 'INBOX')
  t.is(inbox?.messages, stored)
  t.is(inbox?.bytes, stored * content.length)
  store.close()
  spawnSync('mount', ['-o', 'remount,size=16m', folder])
  await using again = await openMailStore({ folder })
  for (let id = 0; id < 40; id++) await again.deliver({ id: String(id), content })
  t.is(again.mailboxes().find(({ name }) => name === 'INBOX')?.messages, 40)
})

test('a read-only disk is ERR_STORAGE', async t => {
  const folder = await smallDisk(t, '16m')
  if (folder === undefined) return
  const tmp = join(folder, 'tmp')
  const store = await openMailStore({ folder })
  await store.deliver({ id: '1', content: message('1') })
  // The whole disk cannot be made read-only while the index is open.
  spawnSync('mount', ['--bind', tmp, tmp])
  spawnSync('mount', ['-o', 'remount,bind,ro', tmp])
  const failure = await t.throwsAsync<MailError>(store.deliver({ id: '2', content: message('2') }), {
    code: 'ERR_STORAGE'
  })
  t.is((failure.cause as NodeJS.ErrnoException).code, 'EROFS')
  spawnSync('umount', [tmp])
  t.is((await store.deliver({ id: '2', content: message('2') })).duplicate, false)
  t.is(store.mailboxes().find(({ name }) => name === 'INBOX')?.messages, 2)
  store.close()
  spawnSync('mount', ['-o', 'remount,ro', folder])
  await t.throwsAsync(openMailStore({ folder }), { code: 'ERR_STORAGE' })
})

test('APPEND on a full disk is refused, and the session continues', async t => {
  const folder = await smallDisk(t, '4m')
  if (folder === undefined) return
  await using store = await openMailStore({ folder })
  await using server = await startImap({ authenticate: () => store })
  const client = await (await ImapClient.connect(server.address.port)).login()
  const text = 'x'.repeat(1_500_000)
  const answers = []
  for (let count = 0; count < 4; count++) answers.push(await client.run(`APPEND INBOX {${text.length}+}\r\n${text}`))
  t.is(answers[0]?.status, 'OK')
  t.is(answers[3]?.status, 'NO')
  t.regex(answers[3]?.text ?? '', /^\[UNAVAILABLE\]/)
  const stored = answers.filter(({ status }) => status === 'OK').length
  t.deepEqual((await client.run('STATUS INBOX (MESSAGES)')).untagged, [`STATUS INBOX (MESSAGES ${stored})`])
  t.deepEqual(await readdir(join(folder, 'tmp')), [])
  // What FETCH keeps in the index has no room, and is not missed.
  spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'rest')}`])
  await client.run('SELECT INBOX')
  for (const _ of [1, 2]) {
    const { status, untagged } = await client.run('FETCH 1:* (ENVELOPE BODYSTRUCTURE)')
    t.deepEqual([status, untagged.length], ['OK', stored])
  }
  client.close()
})
