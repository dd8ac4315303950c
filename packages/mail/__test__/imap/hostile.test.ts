import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { fetched, ImapClient, parseValues } from '../helpers/imap-client.js'
import { message, type Served, serve } from '../helpers/server.js'

/** Checks that a session that was there before still works, and that nothing was left in tmp. */
async function unharmed(t: ExecutionContext, { folder, store, selected }: Served): Promise<void> {
  const id = `after ${Math.random()}`
  await store.deliver({ id, content: message('after') })
  const session = await selected()
  t.is((await session.run('FETCH * ENVELOPE')).status, 'OK')
  t.deepEqual(await readdir(join(folder, 'tmp')), [])
}

test('literals: too large ones get their status, and the next command works', async t => {
  const served = await serve(t, { limits: { maxMessageBytes: 1000, maxLiteralBytes: 100 } })
  const session = await served.client()
  t.regex((await session.run('APPEND INBOX {1001}')).text, /^\[TOOBIG\]/)
  t.regex((await session.run(`APPEND INBOX {1001+}\r\n${'x'.repeat(1001)}`)).text, /^\[TOOBIG\]/)
  t.is((await session.run(`SELECT {101+}\r\n${'x'.repeat(101)}`)).status, 'BAD')
  t.is((await session.run('SELECT {101}')).status, 'BAD')
  t.is((await session.run('APPEND INBOX {0}', '\r\n')).status, 'NO')
  t.is((await session.run('APPEND INBOX ~{3}')).status, 'BAD')
  t.is((await session.run('SELECT {5}', 'INBOX\r\n')).status, 'OK')
  t.is((await session.run('APPEND {5}', 'INBOX (\\Seen) {5}\r\n', 'hello\r\n')).status, 'OK')
  await unharmed(t, served)
  session.raw('x APPEND INBOX {4294967295+}\r\n')
  t.regex(await session.untagged(/BYE/), /too large/)
  await session.closed()
  await unharmed(t, served)
})

test('an incomplete APPEND stores nothing', async t => {
  const served = await serve(t)
  const session = await served.client()
  session.raw('x APPEND INBOX {1000}\r\n')
  await session.untagged(/^\+/)
  session.raw('half of it')
  session.close()
  while (served.server.connections > 0) await new Promise(resolve => setTimeout(resolve, 10))
  t.is(served.store.mailboxes().find(({ name }) => name === 'INBOX')?.messages, 0)
  await unharmed(t, served)
})

test('lines: too long, without an end, with NUL, without a tag', async t => {
  const served = await serve(t)
  const session = await served.client()
  session.raw(`${'x'.repeat(200_000)}\r\n`)
  t.regex(await session.untagged(/BAD/), /^BAD a line has at most/)
  for (const line of [
    '',
    ' ',
    '*',
    '+ x',
    'a',
    '\0',
    'tag\0 NOOP',
    '{5+}\r\nhello',
    '"a" NOOP',
    '\xff NOOP',
    'a\tNOOP'
  ]) {
    session.raw(`${line}\r\n`)
    t.regex(await session.untagged(/BAD/), /BAD/, JSON.stringify(line))
    t.is((await session.run('NOOP')).status, 'OK')
  }
  await unharmed(t, served)
})

test('an overlong line is answered with its tag, before and after login, and the next command works', async t => {
  const served = await serve(t)
  const stranger = await ImapClient.connect(served.server.address.port)
  t.teardown(() => stranger.close())
  for (const client of [stranger, await served.client()]) {
    const long = await client.run(`LOGIN user ${'x'.repeat(200_000)}`)
    t.deepEqual([long.status, long.untagged], ['BAD', []])
    t.regex(long.text, /^a line has at most \d+ bytes$/)
    // In pieces; the last one is a line feed.
    client.raw('pieces NOOP ')
    for (const piece of ['x'.repeat(70_000), 'y'.repeat(70_000), '\r']) {
      client.raw(piece)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const pieces = client.answer('pieces')
    client.raw('\n')
    t.is((await pieces).status, 'BAD')
    // The client waits to be asked for the literal, and gets the answer instead.
    t.is((await client.run(`SELECT ${'x'.repeat(200_000)} {12}`)).status, 'BAD')
    t.is((await client.run('NOOP')).status, 'OK')
  }
  t.is((await stranger.run('LOGIN user pass')).status, 'OK')
  await unharmed(t, served)
})

test('a literal after an overlong line is not executed as a command', async t => {
  const served = await serve(t)
  const session = await served.client()
  session.raw(`a SELECT ${'x'.repeat(200_000)} {15+}\r\nb CREATE evil\r\n {3+}\r\nc X\r\n`)
  t.is((await session.answer('a')).status, 'BAD')
  const { untagged } = await session.run('LIST "" evil')
  t.deepEqual(untagged, [])
  session.raw(`d SELECT {5+}\r\nINBOX ${'x'.repeat(200_000)} {15+}\r\ne CREATE evil\r\n\r\n`)
  t.is((await session.answer('d')).status, 'BAD')
  t.deepEqual((await session.run('LIST "" evil')).untagged, [])
  await unharmed(t, served)
})

test('a client that sends only invalid commands is disconnected', async t => {
  const served = await serve(t)
  const stranger = await ImapClient.connect(served.server.address.port)
  t.teardown(() => stranger.close())
  stranger.raw('GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\nC: d\r\nE: f\r\n\r\n')
  await stranger.closed()
  await unharmed(t, served)
})

test('sets, parentheses and words are bounded', async t => {
  const served = await serve(t)
  await served.store.deliver({ id: '1', content: message('1') })
  const session = await served.selected()
  const many = (text: string, count: number) => text.repeat(count)
  t.is((await session.run(`UID FETCH ${many('1:*,', 9000)}1 UID`)).status, 'OK')
  t.is((await session.run(`UID FETCH ${many('1,', 20_000)}1 UID`)).status, 'BAD')
  for (const set of ['0', '1:0', '4294967296', '99999999999', '1:', ',', '1,,2', '*:*:*', '-1', '1.5', '1:2:3', '']) {
    t.is((await session.run(`UID FETCH ${set} UID`)).status, 'BAD', set)
    t.is((await session.run('NOOP')).status, 'OK')
  }
  t.is((await session.run(`SEARCH ${many('(', 10_000)}`)).status, 'BAD')
  t.is((await session.run(`SEARCH ${many('(', 40)}ALL${many(')', 40)}`)).status, 'BAD')
  t.is((await session.run(`SEARCH ${many('(', 20)}ALL${many(')', 20)}`)).status, 'OK')
  t.is((await session.run(`SEARCH ${many('NOT ', 5000)}ALL`)).status, 'BAD')
  t.is((await session.run(`SEARCH ${many('ALL ', 12_000)}`)).status, 'BAD')
  t.is((await session.run(`SEARCH ${many('BODY x ', 200)}`)).status, 'BAD')
  t.is((await session.run(`FETCH 1 (${many('BODY[] ', 300)})`)).status, 'BAD')
  t.is((await session.run(`LIST "" ${many('*%', 5000)}`)).status, 'OK')
  t.is((await session.run(`FETCH 1 BODY[${many('1.', 2000)}1]`)).status, 'BAD')
  await unharmed(t, served)
})

test('mailbox names cannot leave the Maildir', async t => {
  const served = await serve(t)
  const session = await served.client()
  const before = await readdir(join(served.folder, '..'))
  for (const name of [
    '../x',
    '..',
    '.',
    '/etc/passwd',
    '"a/../../b"',
    '"a\\\\b"',
    '~root',
    '&AC8-etc',
    '&AAA-',
    '&bad',
    '"\xff"',
    `"${'x'.repeat(300)}"`
  ]) {
    for (const command of ['CREATE', 'SELECT', 'DELETE', 'SUBSCRIBE', 'RENAME INBOX', 'RENAME Sent', 'APPEND']) {
      const answer = await session.run(`${command} ${name}${command === 'APPEND' ? ' {1+}\r\nx' : ''}`)
      t.is(answer.status, 'NO', `${command} ${name}`)
    }
  }
  t.deepEqual(await readdir(join(served.folder, '..')), before)
  await unharmed(t, served)
})

/** Appends a message and fetches its description. Resolves to the description. */
async function described(t: ExecutionContext, served: Served, text: string): Promise<unknown> {
  const session = await served.client()
  t.is((await session.run(`APPEND INBOX {${Buffer.byteLength(text, 'latin1')}+}\r\n${text}`)).status, 'OK')
  await session.run('SELECT INBOX')
  const answer = await session.run('FETCH * (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])')
  t.is(answer.status, 'OK')
  t.is((await session.run('SEARCH TEXT nothing-like-it SUBJECT x FROM y')).status, 'OK')
  return [...fetched(answer.untagged).values()][0]?.get('BODYSTRUCTURE')
}

test('a header of 1 MiB, in one field and in many', async t => {
  const served = await serve(t)
  const long = `Subject: ${'x'.repeat(1024 * 1024)}\r\nTo: ${'a@b.c, '.repeat(50_000)}\r\n\r\nbody`
  t.truthy(await described(t, served, long))
  t.truthy(await described(t, served, `${'X: y\r\n'.repeat(180_000)}\r\nbody`))
  t.truthy(await described(t, served, `${'no colon\r\n'.repeat(110_000)}\r\nbody`))
  t.truthy(await described(t, served, `Subject:${'\r\n '.repeat(300_000)}\r\n\r\nbody`))
  t.truthy(
    await described(
      t,
      served,
      `From: ${'('.repeat(500_000)}\r\nTo: ${'"'.repeat(500_001)}\r\nCc: ${'<'.repeat(100_000)}\r\n\r\n`
    )
  )
  t.truthy(
    await described(t, served, `Content-Type: text/plain${';a=b'.repeat(200_000)}; c=${'('.repeat(100_000)}\r\n\r\n`)
  )
  await unharmed(t, served)
})

test('MIME bombs: deep, wide, and with boundaries that begin alike', async t => {
  const served = await serve(t)
  const deep = Array.from(
    { length: 5000 },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`
  ).join('')
  const structure = JSON.stringify(await described(t, served, `Subject: deep\r\n${deep}end`))
  t.true(structure.length < 20_000)
  const wide = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(100_000)}--b--`
  t.true(JSON.stringify(await described(t, served, wide)).length < 200_000)
  const messages = 'Content-Type: message/rfc822\r\n\r\n'.repeat(20_000)
  t.true(JSON.stringify(await described(t, served, messages)).length < 20_000)
  const missing = Array.from(
    { length: 900 },
    (_, at) => `--b\r\nContent-Type: multipart/mixed; boundary=none${at}\r\n\r\n${'x\r\n'.repeat(300)}`
  )
  t.truthy(await described(t, served, `Content-Type: multipart/mixed; boundary=b\r\n\r\n${missing.join('')}--b--`))
  const near = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--bb'.repeat(200_000)}\r\n${'--b x\r\n'.repeat(100_000)}`
  t.truthy(await described(t, served, near))
  await unharmed(t, served)
})

test('text that cannot be quoted is sent as a literal', async t => {
  const served = await serve(t)
  await served.store.deliver({
    id: '1',
    content: Buffer.from('Subject: a "quoted\\\\" \xe4\x00\x01 text\r\nFrom: "a\\"b" <a@b>\r\n\r\n', 'latin1')
  })
  const session = await served.selected()
  const [line = ''] = (await session.run('FETCH 1 ENVELOPE')).untagged
  const [, , [, [, subject, from]]] = parseValues(line) as never as [
    string,
    string,
    [string, [string, string, [[string]]]]
  ]
  t.is(subject, 'a "quoted\\\\" \xe4\x80\x01 text')
  t.is(from[0][0], 'a"b')
})

test('a slow reader blocks only itself, and is disconnected', async t => {
  const served = await serve(t, { limits: { stallTimeoutMs: 2000 } })
  await served.store.deliver({ id: 'big', content: Buffer.alloc(20 * 1024 * 1024, 'x\r\n') })
  const reader = await served.selected()
  reader.socket.pause()
  reader.raw('x FETCH 1 BODY.PEEK[]\r\n'.repeat(3))
  await unharmed(t, served)
  while (served.server.connections > 1) await new Promise(resolve => setTimeout(resolve, 20))
  t.pass()
})
