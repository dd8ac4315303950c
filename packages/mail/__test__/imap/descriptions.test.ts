import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import { openMailStore, startImap } from 'fastn-mail'
import { corpus } from '../clients/corpus.js'
import { fetched, ImapClient } from '../helpers/imap-client.js'
import { message, serve, temporaryFolder } from '../helpers/server.js'

const described = '(UID ENVELOPE BODYSTRUCTURE)'

/** Subjects of the ENVELOPE responses. */
function subjectsOf(untagged: readonly string[]): unknown[] {
  return [...fetched(untagged).values()].map(items => {
    const envelope = items.get('ENVELOPE')
    return Array.isArray(envelope) ? envelope[1] : envelope
  })
}

test('ENVELOPE and BODYSTRUCTURE are cached: each file is read once', async t => {
  const { folder, store, selected } = await serve(t)
  for (const [at, text] of corpus.entries())
    await store.deliver({ id: String(at), content: Buffer.from(text, 'latin1') })
  const session = await selected()
  const first = await session.run(`FETCH 1:* ${described}`)
  t.is(fetched(first.untagged).size, corpus.length)
  // Nothing is read of the files any more.
  for (const name of await readdir(join(folder, 'cur')))
    await writeFile(join(folder, 'cur', name), 'Subject: x\r\n\r\n')
  t.deepEqual((await session.run(`FETCH 1:* ${described}`)).untagged, first.untagged)
  t.deepEqual((await (await selected()).run(`FETCH 1:* ${described}`)).untagged, first.untagged)
  // Other items come from the file.
  const header = await session.run('FETCH 1 (ENVELOPE BODY.PEEK[HEADER])')
  t.is(fetched(header.untagged).get(1)?.get('BODY[HEADER]'), 'Subject: x\r\n\r\n')
  t.deepEqual(fetched(header.untagged).get(1)?.get('ENVELOPE'), fetched(first.untagged).get(1)?.get('ENVELOPE'))
})

test('descriptions belong to their message: after a move, in a recreated mailbox, and when long', async t => {
  const { store, selected } = await serve(t)
  const subjects = async (mailbox: string) => {
    const session = await selected(mailbox)
    const { untagged } = await session.run('FETCH 1:* (ENVELOPE)')
    session.close()
    return subjectsOf(untagged)
  }
  const long = `Subject: ${'x'.repeat(6000)}\r\n\r\n`
  for (const [at, content] of [message('one'), message('two'), Buffer.from(long)].entries())
    await store.deliver({ id: String(at), content, mailbox: 'Lists' })
  const all = ['one', 'two', 'x'.repeat(6000)]
  for (const _ of [1, 2]) t.deepEqual(await subjects('Lists'), all)
  const session = await selected('Lists')
  t.is((await session.run('MOVE 1 Archive')).status, 'OK')
  t.deepEqual([await subjects('Lists'), await subjects('Archive')], [all.slice(1), ['one']])
  t.is((await (await selected()).run('DELETE Lists')).status, 'OK')
  for (const at of ['a', 'b']) await store.deliver({ id: at, content: message(at), mailbox: 'Lists' })
  t.deepEqual(await subjects('Lists'), ['a', 'b'])
})

test('an index of the previous version is upgraded with descriptions', async t => {
  const folder = join(await temporaryFolder(t), 'mail')
  const store = await openMailStore({ folder })
  await store.deliver({ id: '1', content: message('one') })
  store.close()
  const index = new DatabaseSync(join(folder, 'fastn-index.sqlite'))
  index.exec('DROP TRIGGER descriptions_end; DROP TABLE descriptions; PRAGMA user_version = 1')
  index.close()
  await using again = await openMailStore({ folder })
  await using server = await startImap({ authenticate: () => again })
  const client = await (await ImapClient.connect(server.address.port)).login()
  await client.run('SELECT INBOX')
  for (const _ of [1, 2]) {
    t.deepEqual(subjectsOf((await client.run('FETCH 1 (ENVELOPE)')).untagged), ['one'])
  }
  client.close()
})
