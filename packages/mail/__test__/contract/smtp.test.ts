import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { startMail } from 'fastn-mail'
import { createTransport } from 'nodemailer'
import { certificate } from '../helpers/certificate.js'
import { folder, hashed, type MailPeer, mailPeer, password } from '../helpers/peers.js'
import { type Dialog, dialog } from '../helpers/smtp-dialog.js'

const stranger = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

/** A peer with mail, and a client that is logged in as ada. */
async function loggedIn(t: ExecutionContext, options = {}): Promise<{ peer: MailPeer; client: Dialog }> {
  const peer = await mailPeer(t, options)
  const client = await dialog(t, peer.mail.smtp!.port)
  t.regex(await client.logIn(), /^235/)
  return { peer, client }
}

/** Begins a mail from ada to herself. */
async function begin({ peer, client }: { peer: MailPeer; client: Dialog }, to = [peer.address()]): Promise<string> {
  await client.say(`MAIL FROM:<${peer.address()}>\r\n`)
  for (const each of to) await client.say(`RCPT TO:<${each}>\r\n`)
  return await client.say('DATA\r\n')
}

test('EHLO lists the extensions', async t => {
  const peer = await mailPeer(t)
  const client = await dialog(t, peer.mail.smtp!.port)
  const greeting = await client.say('EHLO test\r\n')
  for (const word of ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'AUTH PLAIN LOGIN', `SIZE ${64 * 1024 ** 2}`])
    t.true(greeting.includes(word), word)
  t.false(greeting.includes('STARTTLS'))
})

test('mail needs a login, and a wrong password is refused', async t => {
  const peer = await mailPeer(t)
  const client = await dialog(t, peer.mail.smtp!.port)
  t.regex(await client.logIn('ada', 'wrong'), /^535/)
  t.regex(await client.logIn('nobody'), /^535/)
  t.regex(await client.say(`MAIL FROM:<${peer.address()}>\r\n`), /^530/)
  t.regex(await client.logIn(peer.address().toUpperCase()), /^235/)
})

test('idle connections cannot block clients, and logged-in ones are counted separately', async t => {
  const { peer, client } = await loggedIn(t, { smtp: { port: 0, maxConnections: 2 } })
  const { port } = peer.mail.smtp!
  const silent = await Promise.all(Array.from({ length: 150 }, () => dialog(t, port)))
  t.regex(await silent[0]!.reply(), /^(421 4\.4\.2 a newer connection|closed)/)
  t.regex(await client.say('NOOP\r\n'), /^250/)
  const second = await dialog(t, port)
  t.regex(await second.logIn(), /^235/)
  const third = await dialog(t, port)
  t.regex(await third.logIn(), /^421/)
  second.socket.destroy()
  await new Promise(resolve => second.socket.once('close', resolve))
  for (;;) {
    const next = await dialog(t, port)
    if ((await next.logIn()).startsWith('235')) break
  }
})

test('a client that does not log in is disconnected', async t => {
  const loginTimeout = 1000
  const peer = await mailPeer(t, { smtp: { port: 0, loginTimeout } })
  const { port } = peer.mail.smtp!
  const silent = await dialog(t, port)
  t.regex(await silent.reply(), /^421 4\.4\.2 /)
  t.is(await silent.reply(), 'closed')
  // On a busy machine, one attempt may take longer than the timeout.
  let client = await dialog(t, port)
  while (!(await client.logIn()).startsWith('235')) client = await dialog(t, port)
  await new Promise(resolve => setTimeout(resolve, loginTimeout + 200))
  t.regex(await client.say('NOOP\r\n'), /^250/)
})

test('wrong passwords delay the correct one, but do not refuse it', async t => {
  const peer = await mailPeer(t)
  const { port } = peer.mail.smtp!
  const wrong = async () => {
    const client = await dialog(t, port)
    t.regex(await client.logIn('ada', 'wrong'), /^535/)
  }
  await Promise.all(Array.from({ length: 12 }, wrong))
  const client = await dialog(t, port)
  t.regex(await client.logIn(), /^235/)
})

test('idle connections with implicit TLS cannot block clients', async t => {
  const tls = certificate(await folder(t))
  if (tls === undefined) {
    t.pass('SKIPPED: openssl is not installed')
    return
  }
  const peer = await mailPeer(t, { smtp: { port: 0, tls, secure: true, maxPendingLogins: 4 } })
  const { port } = peer.mail.smtp!
  const silent = Array.from({ length: 10 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => {
    for (const each of silent) each.destroy()
  })
  await once(silent[0]!.resume(), 'close')
  const auth = { user: 'ada', pass: password }
  const transport = createTransport({ host: 'localhost', port, auth, secure: true, tls: { ca: tls.cert } })
  t.teardown(() => transport.close())
  t.true(await transport.verify())
})

test('a user can send only from its own addresses', async t => {
  const users = { ada: { password: await hashed, aliases: ['countess'] }, bob: {} }
  const { peer, client } = await loggedIn(t, { users })
  t.regex(await client.say(`MAIL FROM:<bob@${peer.endpoint.id52}.fastn>\r\n`), /^550/)
  t.regex(await client.say(`MAIL FROM:<ada@${stranger}.fastn>\r\n`), /^550/)
  t.regex(await client.say('MAIL FROM:<ada@example.org>\r\n'), /^550/)
  t.regex(await client.say(`MAIL FROM:<Countess+tag@${peer.endpoint.id52}.fastn> SIZE=100 BODY=8BITMIME\r\n`), /^250/)
  await client.say('RSET\r\n')
  t.regex(await client.say('MAIL FROM:<> SIZE=100\r\n'), /^250/)
})

test('From and Sender cannot name another identity', async t => {
  const session = await loggedIn(t)
  const { peer, client } = session
  for (const field of [`From: <me@${stranger}.fastn>`, `From: ${peer.address()}\r\nSender: me@${stranger}.fastn`]) {
    t.regex(await begin(session), /^354/)
    t.regex(await client.say(`${field}\r\n\r\nbody\r\n.\r\n`), /^550 5\.7\.1 From or Sender names another identity/)
  }
  t.deepEqual(await readdir(join(peer.folder, 'queue', 'messages')), [])
  const mail = { from: peer.address(), to: peer.address(), raw: `From: me@${stranger}.fastn\r\n\r\nbody` }
  await t.throwsAsync(peer.mail.send(mail), { code: 'ERR_UNAUTHORIZED' })
  t.regex(await begin(session), /^354/)
  t.regex(await client.say(`From: ${peer.address()}\r\nTo: me@${stranger}.fastn\r\n\r\nbody\r\n.\r\n`), /^250/)
})

test('mail is not relayed', async t => {
  const { peer, client } = await loggedIn(t, { users: { ada: { password: await hashed }, bob: {} } })
  await client.say(`MAIL FROM:<${peer.address()}>\r\n`)
  for (const to of [
    'eve@example.org',
    `eve@example.org@${stranger}x.fastn`,
    `@${stranger}.fastn:eve@example.org`,
    'eve'
  ])
    t.regex(await client.say(`RCPT TO:<${to}>\r\n`), /^5/, to)
  t.regex(await client.say(`RCPT TO:<nobody@${peer.endpoint.id52}.fastn>\r\n`), /^550/)
  t.regex(await client.say(`RCPT TO:<x@${stranger}.anything>\r\n`), /^250/)
})

test('a too large message is refused, with and without SIZE', async t => {
  const session = await loggedIn(t, { limits: { maxMessageBytes: 1000 } })
  const { peer, client } = session
  t.regex(await client.say(`MAIL FROM:<${peer.address()}> SIZE=1001\r\n`), /^552/)
  t.regex(await begin(session), /^354/)
  t.regex(await client.say(`${'x'.repeat(2000)}\r\n.\r\n`), /^552/)
  t.regex(await begin(session), /^354/)
  t.regex(await client.say('Subject: small\r\n\r\n.\r\n'), /^250/)
  await peer.event('delivered')
  t.is((await peer.messages()).length, 1)
  t.deepEqual(await readdir(join(peer.folder, 'queue', 'messages')), [])
})

const smuggled = '\r\nMAIL FROM:<eve@example.org>\r\nRCPT TO:<x>\r\nDATA\r\nSubject: smuggled\r\n'
const broken: Record<string, string> = {
  'LF . LF': `a\n.\n${smuggled}`,
  'LF . CRLF': `a\n.\r\n${smuggled}`,
  'CR . CRLF': `a\r.\r\n${smuggled}`,
  'CRLF . LF': `a\r\n.\n${smuggled}`,
  'CRLF . CR': `a\r\n.\r${smuggled}`,
  'CR . CR': `a\r.\r${smuggled}`,
  'CR CRLF': `a\r\r\nb`,
  'LF alone': 'a\nb',
  'CR alone': 'a\rb',
  'LF ..': 'a\n..b'
}
for (const [name, text] of Object.entries(broken)) {
  test(`SMTP smuggling is refused: ${name}`, async t => {
    const session = await loggedIn(t)
    t.regex(await begin(session), /^354/)
    t.regex(await session.client.say(`Subject: x\r\n\r\n${text}\r\n.\r\n`), /^554/)
    t.regex(await session.client.say('NOOP\r\n'), /^250/)
    t.deepEqual(session.peer.mail.queue(), [])
    t.deepEqual(await session.peer.messages(), [])
  })
}

test('a message arrives byte for byte: dots, folded headers, 8 bit, in any pieces', async t => {
  const session = await loggedIn(t)
  const message = Buffer.concat([
    Buffer.from('Subject: folded\r\n  header\r\n\tof three lines \r\n\r\n.\r\n..\r\n.x\r\n  indented\r\n\r\n'),
    Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a])
  ])
  const stuffed = message.toString('latin1').replace(/^\./gm, '..')
  t.regex(await begin(session), /^354/)
  const bytes = Buffer.from(`${stuffed}.\r\n`, 'latin1')
  for (let at = 0; at < bytes.length - 1; at++) {
    session.client.socket.write(bytes.subarray(at, at + 1))
    await new Promise(setImmediate)
  }
  t.regex(await session.client.say(bytes.subarray(-1)), /^250/)
  await session.peer.event('delivered')
  t.deepEqual(await session.peer.messages(), [message])
})

test('several recipients at one peer, UTF-8 in addresses, and pipelined mails', async t => {
  const session = await loggedIn(t)
  const { peer, client } = session
  const mail = [
    `MAIL FROM:<${peer.address()}> SMTPUTF8`,
    `RCPT TO:<jürgen@${peer.endpoint.id52}.fastn>`,
    `RCPT TO:<other@${peer.endpoint.id52.toUpperCase()}>`,
    'DATA'
  ].join('\r\n')
  client.socket.write(`${mail}\r\n`)
  for (const code of ['250', '250', '250', '354']) t.true((await client.reply()).startsWith(code))
  t.regex(await client.say('Subject: x\r\n\r\n.\r\n'), /^250/)
  const { to } = await peer.event('delivered')
  t.deepEqual(to, [`jürgen@${peer.endpoint.id52}.fastn`, `other@${peer.endpoint.id52.toUpperCase()}`])
  t.is((await peer.messages()).length, 1)
})

test('a client that disconnects within a message leaves nothing behind', async t => {
  const session = await loggedIn(t)
  t.regex(await begin(session), /^354/)
  session.client.socket.write('Subject: half')
  session.client.socket.end()
  await session.client.reply()
  await session.peer.mail.close()
  t.deepEqual(await readdir(join(session.peer.folder, 'queue', 'messages')), [])
  t.deepEqual(await session.peer.messages(), [])
})

test('a full queue is a temporary failure for clients', async t => {
  const session = await loggedIn(t, { limits: { maxQueued: 1 } })
  const absent = `x@${stranger}.fastn`
  await session.peer.mail.send({ from: session.peer.address(), to: absent, raw: 'Subject: waits\r\n\r\n' })
  t.regex(await begin(session, [absent]), /^354/)
  t.regex(await session.client.say('Subject: x\r\n\r\n.\r\n'), /^452/)
})

test('with a certificate, login needs STARTTLS', async t => {
  const tls = certificate(await folder(t))
  if (tls === undefined) {
    t.pass('SKIPPED: openssl is not installed')
    return
  }
  const peer = await mailPeer(t, { smtp: { port: 0, tls } })
  const { port } = peer.mail.smtp!
  const client = await dialog(t, port)
  const greeting = await client.say('EHLO test\r\n')
  t.true(greeting.includes('STARTTLS'))
  t.notRegex(greeting, /AUTH/)
  t.regex(await client.logIn(), /^538/)
  t.regex(await client.say(`MAIL FROM:<${peer.address()}>\r\n`), /^530/)
  t.regex(await client.say('STARTTLS\r\n'), /^220/)
  const secure = connectTls({ socket: client.socket.removeAllListeners('data'), ca: tls.cert, servername: 'localhost' })
  secure.write('EHLO test\r\n')
  t.regex(String((await once(secure, 'data'))[0]), /^250[- ]AUTH PLAIN LOGIN\r$/m)
  secure.destroy()
  const auth = { user: 'ada', pass: password }
  const transport = createTransport({ host: 'localhost', port, auth, requireTLS: true, tls: { ca: tls.cert } })
  t.teardown(() => transport.close())
  const raw = 'Subject: secret\r\n\r\nbody\r\n'
  await transport.sendMail({ envelope: { from: peer.address(), to: [peer.address()] }, raw })
  await peer.event('delivered')
  t.deepEqual(await peer.messages(), [Buffer.from(raw)])
})

test('a server for other machines needs a certificate', async t => {
  const { endpoint } = await mailPeer(t)
  for (const host of ['0.0.0.0', '::', '192.0.2.1'])
    await t.throwsAsync(startMail({ endpoint, folder: await folder(t), users: { ada: {} }, smtp: { host } }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /smtp\.tls is required/
    })
})
