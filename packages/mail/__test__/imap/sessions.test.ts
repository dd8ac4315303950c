import { readdir, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fetched } from '../helpers/imap-client.js'
import { message, serve } from '../helpers/server.js'

test('an idle session gets new mail, flags and removals', async t => {
  const { store, selected } = await serve(t)
  const idler = await selected()
  const idle = idler.send('IDLE')
  await idler.untagged(/^\+/)
  await store.deliver({ id: '1', content: message('one') })
  t.is(await idler.untagged(/EXISTS/), '1 EXISTS')
  const other = await selected()
  await other.run('STORE 1 +FLAGS (\\Flagged custom)')
  t.regex(await idler.untagged(/FETCH/), /^1 FETCH \(UID 1 FLAGS \(\\Flagged custom \\Recent\)\)$/)
  await other.run('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.run('EXPUNGE')
  t.is(await idler.untagged(/EXPUNGE/), '1 EXPUNGE')
  idler.raw('DONE\r\n')
  t.is((await idler.answer(idle)).status, 'OK')
})

test('an idle session gets changes of other programs', async t => {
  const { folder, selected } = await serve(t)
  const idler = await selected()
  idler.send('IDLE')
  await idler.untagged(/^\+/)
  await writeFile(join(folder, 'tmp', '1.other.host'), message('delivered by another program'))
  await rename(join(folder, 'tmp', '1.other.host'), join(folder, 'new', '1.other.host'))
  t.is(await idler.untagged(/EXISTS/), '1 EXISTS')
  // The session has moved it to cur, as mail programs do when they show a mailbox.
  const [name = ''] = await readdir(join(folder, 'cur'))
  await rename(join(folder, 'cur', name), join(folder, 'cur', '1.other.host:2,S'))
  t.regex(await idler.untagged(/FETCH/), /FLAGS \(\\Seen \\Recent\)/)
  await unlink(join(folder, 'cur', '1.other.host:2,S'))
  t.is(await idler.untagged(/EXPUNGE/), '1 EXPUNGE')
})

test('messages with bare line feeds are sent with CRLF, and sizes match', async t => {
  const { folder, selected } = await serve(t)
  const text = 'Subject: lf\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\r\n\r\ntwo\n--b--\n'
  await writeFile(join(folder, 'new', '1.other.host'), text)
  const session = await selected()
  const sent = text.replace(/\r?\n/g, '\r\n')
  const items = fetched(
    (await session.run('FETCH 1 (RFC822.SIZE BODY[] BODY[1] BODY[]<10.5> BODYSTRUCTURE)')).untagged
  ).get(1)
  t.is(items?.get('BODY[]'), sent)
  t.is(items?.get('RFC822.SIZE'), String(sent.length))
  t.is(items?.get('BODY[1]'), 'one')
  t.is(items?.get('BODY[]<10>'), sent.slice(10, 15))
  t.is((await session.run('SEARCH BODY two')).untagged[0], 'SEARCH 1')
})

test('sequence numbers are stable while commands use them, and removals are then reported', async t => {
  const { store, selected } = await serve(t)
  for (const id of ['1', '2', '3']) await store.deliver({ id, content: message(id) })
  const one = await selected()
  const two = await selected()
  await two.run('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await two.run('EXPUNGE')
  for (const command of ['FETCH 3 UID', 'STORE 3 +FLAGS (\\Seen)', 'SEARCH ALL']) {
    const { untagged } = await one.run(command)
    t.false(
      untagged.some(line => line.includes('EXPUNGE')),
      command
    )
  }
  t.is(
    fetched((await one.run('FETCH 3 UID')).untagged)
      .get(3)
      ?.get('UID'),
    '3'
  )
  const gone = await one.run('FETCH 1 FLAGS')
  t.is(gone.status, 'NO')
  t.regex(gone.text, /EXPUNGEISSUED/)
  t.deepEqual((await one.run('NOOP')).untagged, ['1 EXPUNGE'])
  t.is(
    fetched((await one.run('FETCH 2 UID')).untagged)
      .get(2)
      ?.get('UID'),
    '3'
  )
})

test('a message is recent in one session, never in a read-only one', async t => {
  const { store, selected } = await serve(t)
  await store.deliver({ id: '1', content: message('1') })
  const reader = await selected('INBOX')
  const later = await selected('INBOX')
  t.regex((await reader.run('FETCH 1 FLAGS')).untagged[0] ?? '', /\\Recent/)
  t.notRegex((await later.run('FETCH 1 FLAGS')).untagged[0] ?? '', /\\Recent/)
})

test('CONDSTORE: changes are found by sequence, and a stale change is refused', async t => {
  const { store, client } = await serve(t)
  for (const id of ['1', '2', '3']) await store.deliver({ id, content: message(id) })
  const session = await client()
  const { untagged } = await session.run('SELECT INBOX (CONDSTORE)')
  const highest = Number(/HIGHESTMODSEQ (\d+)/.exec(untagged.join(' '))?.[1])
  await session.run('STORE 2 +FLAGS (\\Flagged)')
  const changed = fetched((await session.run(`FETCH 1:* (FLAGS) (CHANGEDSINCE ${highest})`)).untagged)
  t.deepEqual([...changed.keys()], [2])
  const modseq = Number(changed.get(2)?.get('MODSEQ')?.[0])
  t.true(modseq > highest)
  const refused = await session.run(`STORE 1:3 (UNCHANGEDSINCE ${highest}) +FLAGS (\\Seen)`)
  t.regex(refused.text, /^\[MODIFIED 2\]/)
  t.deepEqual([...fetched(refused.untagged).keys()], [1, 3])
  t.regex((await session.run(`SEARCH MODSEQ ${modseq}`)).untagged[0] ?? '', /^SEARCH 1 2 3 \(MODSEQ \d+\)$/)
})

test('the mailbox of a session can be renamed, and its deletion ends the session', async t => {
  const { client, selected } = await serve(t)
  const other = await client()
  await other.run('CREATE A.b')
  const session = await selected('A.b')
  await other.run('RENAME A C')
  t.is((await session.run('NOOP')).status, 'OK')
  await other.run('APPEND C.b {5+}\r\nhello')
  t.deepEqual((await session.run('NOOP')).untagged, ['1 EXISTS', '1 RECENT'])
  await other.run('DELETE C.b')
  t.is((await session.run('NOOP')).status, 'BYE')
})

test('copies and moves return UIDs, and a recreated mailbox has a new UIDVALIDITY', async t => {
  const { store, selected } = await serve(t)
  for (const id of ['1', '2', '3']) await store.deliver({ id, content: message(id), flags: ['\\Flagged', 'kept'] })
  const session = await selected()
  await session.run('CREATE Target')
  const validity = async () =>
    /UIDVALIDITY (\d+)/.exec((await session.run('STATUS Target (UIDVALIDITY)')).untagged[0] ?? '')?.[1]
  const first = await validity()
  t.is((await session.run('UID COPY 1,3 Target')).text.split(']')[0], `[COPYUID ${first} 1,3 1:2`)
  const moved = await session.run('MOVE 2:3 Target')
  t.true(moved.untagged[0]?.startsWith(`OK [COPYUID ${first} 2:3 3:4]`))
  t.deepEqual(moved.untagged.slice(1), ['3 EXPUNGE', '2 EXPUNGE'])
  await session.run('SELECT Target')
  const flags = [...fetched((await session.run('FETCH 1:* FLAGS')).untagged).values()].map(items => items.get('FLAGS'))
  t.deepEqual(flags, Array(4).fill(['\\Flagged', 'kept', '\\Recent']))
  await session.run('UNSELECT')
  await session.run('DELETE Target')
  await session.run('CREATE Target')
  t.true(Number(await validity()) > Number(first))
})
