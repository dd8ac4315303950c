import test, { type ExecutionContext } from 'ava'
import { ImapFlow } from 'imapflow'
import { ImapClient } from '../helpers/imap-client.js'
import { serve } from '../helpers/server.js'
import { corpus } from './corpus.js'
import { type Dovecot, dovecotPackage, startDovecot } from './dovecot.js'
import { runScript } from './script.js'

/** Starts Dovecot, or says what to install. */
async function oracle(t: ExecutionContext): Promise<Dovecot | undefined> {
  const dovecot = await startDovecot(t)
  if (!dovecot) {
    t.log(`skipped: needs root and Dovecot 2.3 (${dovecotPackage})`)
    t.pass()
  }
  return dovecot
}

test('a script sees the same from Dovecot', async t => {
  const dovecot = await oracle(t)
  if (!dovecot) return
  const { server } = await serve(t)
  const [ours, theirs] = await Promise.all([server.address.port, dovecot.port].map(transcript))
  for (const [at, step] of (ours ?? []).entries()) t.deepEqual(step, theirs?.[at])
  t.is(ours?.length, theirs?.length)
})

async function transcript(port: number) {
  const client = await (await ImapClient.connect(port)).login()
  const other = await (await ImapClient.connect(port)).login()
  try {
    return await runScript(client, other)
  } finally {
    client.close()
    other.close()
  }
}

test('imapflow sees the same from Dovecot', async t => {
  const { server } = await serve(t)
  const ours = await throughImapflow(server.address.port)
  t.is(ours.messages.length, corpus.length)
  t.is(ours.changes.length, 3)
  const dovecot = await oracle(t)
  if (dovecot) t.deepEqual(ours, await throughImapflow(dovecot.port))
})

async function throughImapflow(port: number) {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    auth: { user: 'user', pass: 'pass' },
    logger: false
  })
  await client.connect()
  try {
    await client.mailboxCreate('Lists.rust')
    const list = await client.list({ statusQuery: { messages: true, unseen: true } })
    for (const text of corpus)
      await client.append('INBOX', Buffer.from(text, 'latin1'), ['\\Seen'], new Date('2020-01-01T10:00:00Z'))
    const lock = await client.getMailboxLock('INBOX')
    const messages: unknown[] = []
    const changes: unknown[] = []
    try {
      const query = { envelope: true, bodyStructure: true, size: true, flags: true, internalDate: true, source: true }
      for await (const { seq, uid, envelope, bodyStructure, size, flags, internalDate, source } of client.fetch(
        '1:*',
        query
      )) {
        const kept = [...(flags ?? [])].filter(flag => flag !== '\\Recent').sort()
        messages.push({
          seq,
          uid,
          envelope,
          bodyStructure,
          size,
          flags: kept,
          internalDate,
          source: source?.toString('latin1')
        })
      }
      const found = await client.search({ header: { subject: 'nested' } }, { uid: true })
      changes.push(found, await client.messageFlagsAdd('1:3', ['\\Flagged']))
      const moved = await client.messageMove('2:3', 'Archive', { uid: true })
      changes.push(moved && [...(moved.uidMap ?? [])])
    } finally {
      lock.release()
    }
    const names = list.map(({ path, specialUse, status }) => ({
      path,
      specialUse,
      messages: status?.messages,
      unseen: status?.unseen
    }))
    return { list: names.sort((one, two) => (one.path < two.path ? -1 : 1)), messages, changes }
  } finally {
    await client.logout()
  }
}
