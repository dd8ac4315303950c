import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MailError, type MailStore, openMailStore } from 'fastn-mail'
import { message, temporaryFolder } from '../helpers/server.js'

async function opened(t: ExecutionContext, quotaBytes?: number): Promise<{ folder: string; store: MailStore }> {
  const folder = await temporaryFolder(t)
  const store = await openMailStore(quotaBytes === undefined ? { folder } : { folder, quotaBytes })
  t.teardown(() => store.close())
  return { folder, store }
}

const counters = (store: MailStore, name = 'INBOX') => store.mailboxes().find(mailbox => mailbox.name === name)

test('a message is stored once, byte for byte, under a name derived from its ID', async t => {
  const { folder, store } = await opened(t)
  const content = Buffer.from('Subject: a\r\n b\r\n\r\n.\r\n..\r\n\xff\x00\r\n\t\r\n', 'latin1')
  const first = await store.deliver({ id: '../../evil/\0id', content })
  t.deepEqual(first, { uid: 1, mailbox: 'INBOX', duplicate: false })
  t.deepEqual(await store.deliver({ id: '../../evil/\0id', content, mailbox: 'Junk' }), { ...first, duplicate: true })
  t.true(store.has('../../evil/\0id'))
  t.false(store.has('other'))
  const [name = ''] = await readdir(join(folder, 'new'))
  t.regex(name, /^\d+\.D[0-9a-f]{32}\.fastn,S=\d+$/)
  t.deepEqual(await readFile(join(folder, 'new', name)), content)
  t.deepEqual(await readdir(join(folder, 'tmp')), [])
  t.is(store.bytesUsed(), content.length)
  t.is(counters(store, 'Junk')?.messages, 0)
})

test('concurrent deliveries with one ID store one message', async t => {
  const { store } = await opened(t)
  const deliveries = Array.from({ length: 20 }, () => store.deliver({ id: 'same', content: message('same') }))
  const delivered = await Promise.all(deliveries)
  t.is(delivered.filter(({ duplicate }) => !duplicate).length, 1)
  t.is(new Set(delivered.map(({ uid }) => uid)).size, 1)
  t.is(counters(store)?.messages, 1)
})

test('flags, date and mailbox of a new message are kept', async t => {
  const { folder, store } = await opened(t)
  const receivedAt = new Date('2001-02-03T04:05:06Z')
  await store.deliver({
    id: '1',
    content: message('one'),
    mailbox: 'Übung.Größe',
    flags: ['\\Seen', '\\Draft'],
    receivedAt
  })
  const [name = ''] = await readdir(join(folder, '.&ANw-bung.Gr&APYA3w-e', 'cur'))
  t.regex(name, /:2,DS$/)
  t.is((await stat(join(folder, '.&ANw-bung.Gr&APYA3w-e', 'cur', name))).mtimeMs, receivedAt.getTime())
  t.is(counters(store, 'Übung.Größe')?.unseen, 0)
})

test('a file is moved into place', async t => {
  const { folder, store } = await opened(t)
  const file = join(folder, 'tmp', 'spooled')
  await writeFile(file, message('from a file'))
  await store.deliver({ id: 'f', content: { file } })
  await t.throwsAsync(stat(file), { code: 'ENOENT' })
  t.is(counters(store)?.messages, 1)
  await t.throwsAsync(store.deliver({ id: 'g', content: { file } }), { instanceOf: MailError, code: 'ERR_STORAGE' })
  t.false(store.has('g'))
})

test('names that leave the Maildir, or that file systems do not support, are refused', async t => {
  const { folder, store } = await opened(t)
  const before = await readdir(folder)
  for (const mailbox of [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a..b',
    '.a',
    'a.',
    'a\0',
    'a\nb',
    'a\\b',
    '~root',
    'a:b',
    'x'.repeat(201),
    'INBOX.a',
    '\ud800'
  ]) {
    await t.throwsAsync(
      store.deliver({ id: 'x', content: message('x'), mailbox }),
      { code: 'ERR_INVALID_ARGUMENT' },
      JSON.stringify(mailbox)
    )
  }
  t.deepEqual(await readdir(folder), before)
})

test('the quota counts messages in progress, and refused ones leave nothing', async t => {
  const { folder, store } = await opened(t, 1000)
  const content = new Uint8Array(300).fill(97)
  const results = await Promise.allSettled(['1', '2', '3', '4', '5'].map(id => store.deliver({ id, content })))
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 3)
  for (const result of results) if (result.status === 'rejected') t.is((result.reason as MailError).code, 'ERR_QUOTA')
  t.is((await readdir(join(folder, 'new'))).length, 3)
  t.is(store.bytesUsed(), 900)
})

test('UIDs and UIDVALIDITY survive a restart; a second store of the folder is refused', async t => {
  const { folder, store } = await opened(t)
  for (const id of ['1', '2', '3']) await store.deliver({ id, content: message(id) })
  const before = store.mailboxes()
  await t.throwsAsync(openMailStore({ folder }), { code: 'ERR_BUSY' })
  store.close()
  await t.throwsAsync(store.deliver({ id: '4', content: message('4') }), { code: 'ERR_CLOSED' })
  await using again = await openMailStore({ folder })
  t.deepEqual(again.mailboxes(), before)
  t.true(again.has('2'))
  t.deepEqual(await again.deliver({ id: '2', content: message('2') }), { uid: 2, mailbox: 'INBOX', duplicate: true })
  t.is((await again.deliver({ id: '4', content: message('4') })).uid, 4)
})

test('changes of other programs while it was closed are applied, and UIDs stay', async t => {
  const { folder, store } = await opened(t)
  for (const id of ['1', '2', '3']) await store.deliver({ id, content: message(id) })
  store.close()
  const [one = '', two = ''] = (await readdir(join(folder, 'new'))).sort()
  await rename(join(folder, 'new', one), join(folder, 'cur', `${one}:2,FS`))
  await unlink(join(folder, 'new', two))
  await writeFile(join(folder, 'new', '99.other.host'), 'Subject: bare\n\nline feeds\n')
  await writeFile(join(folder, 'new', '.hidden'), 'no message')
  await mkdir(join(folder, '.Made', 'cur'), { recursive: true })
  await using again = await openMailStore({ folder })
  const inbox = counters(again)
  t.is(inbox?.messages, 3)
  t.is(inbox?.unseen, 2)
  t.is(inbox?.uidNext, 5)
  // Each bare line feed counts two bytes, because IMAP sends two.
  t.is(inbox?.bytes, 2 * message('1').length + 'Subject: bare\n\nline feeds\n'.length + 3)
  t.truthy(counters(again, 'Made'))
})

test('a lost index is rebuilt: messages and IDs survive, UIDVALIDITY changes', async t => {
  const { folder, store } = await opened(t)
  for (const id of ['1', '2']) await store.deliver({ id, content: message(id) })
  const before = counters(store)
  store.close()
  for (const name of await readdir(folder)) if (name.startsWith('fastn-index')) await rm(join(folder, name))
  await new Promise(resolve => setTimeout(resolve, 1100))
  await using again = await openMailStore({ folder })
  t.is(counters(again)?.messages, 2)
  t.true((counters(again)?.uidValidity ?? 0) > (before?.uidValidity ?? 0))
  t.true((await again.deliver({ id: '1', content: message('1') })).duplicate)
})

test('options are checked', async t => {
  await t.throwsAsync(openMailStore({ folder: '' }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(openMailStore({ folder: 'x', quotaBytes: -1 }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(openMailStore({ folder: 'x', quota: 1 } as never), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /quota/
  })
})

test.serial('a clock jump changes no UID, and UIDVALIDITY only grows', async t => {
  const { folder, store } = await opened(t)
  const now = Date.now
  const uids: number[] = []
  const validities: number[] = []
  try {
    for (const [at, days] of [0, 4000, -4000, 1].entries()) {
      Date.now = () => now() + days * 86_400_000
      uids.push((await store.deliver({ id: `${at}`, content: message(`${at}`) })).uid)
      await store.deliver({ id: `other ${at}`, content: message(`${at}`), mailbox: `M${at}` })
      validities.push(counters(store, `M${at}`)?.uidValidity ?? 0)
    }
  } finally {
    Date.now = now
  }
  t.deepEqual(uids, [1, 2, 3, 4])
  t.deepEqual(
    validities,
    validities.toSorted((one, two) => one - two)
  )
  t.is(new Set(validities).size, 4)
  store.close()
  await using again = await openMailStore({ folder })
  for (const at of uids.keys()) t.true((await again.deliver({ id: `${at}`, content: message('again') })).duplicate)
  t.is(counters(again)?.messages, 4)
})
