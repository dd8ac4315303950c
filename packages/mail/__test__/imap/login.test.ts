import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { openMailStore, startImap } from 'fastn-mail'
import { certificate } from '../helpers/certificate.js'
import { ImapClient } from '../helpers/imap-client.js'
import { serve, temporaryFolder } from '../helpers/server.js'

async function tlsOf(t: ExecutionContext): Promise<{ cert: string; key: string }> {
  const found = certificate(await temporaryFolder(t))
  if (!found) throw new Error('openssl made no certificate')
  return found
}

test('LOGIN and AUTHENTICATE PLAIN, with and without an initial response', async t => {
  const { server } = await serve(t, {})
  const plain = (text: string) => Buffer.from(text).toString('base64')
  for (const [command, ...parts] of [
    ['LOGIN user pass'],
    ['LOGIN "user" {4}', 'pass\r\n'],
    [`AUTHENTICATE PLAIN ${plain('\0user\0pass')}`],
    ['authenticate plain', `${plain('user\0user\0pass')}\r\n`]
  ] as [string, ...string[]][]) {
    const client = await ImapClient.connect(server.address.port)
    const answer = await client.run(command, ...parts)
    t.is(answer.status, 'OK', command)
    t.regex(answer.text, /CAPABILITY .*IDLE/)
    t.is((await client.run('LOGIN user pass')).status, 'BAD')
    client.close()
  }
  const client = await ImapClient.connect(server.address.port)
  t.is((await client.run(`AUTHENTICATE PLAIN ${plain('other\0user\0pass')}`)).status, 'NO')
  t.is((await client.run('AUTHENTICATE PLAIN', '*\r\n')).status, 'BAD')
  t.is((await client.run('SELECT INBOX')).status, 'BAD')
  client.close()
})

test('wrong passwords take a second, end the connection, and then the right one waits', async t => {
  const { server } = await serve(t)
  const attempts = Array.from({ length: 10 }, async () => {
    const client = await ImapClient.connect(server.address.port)
    const started = performance.now()
    const answer = await client.run('LOGIN user wrong')
    t.regex(answer.text, /^\[AUTHENTICATIONFAILED\]/)
    t.true(performance.now() - started > 900)
    client.close()
  })
  await Promise.all(attempts)
  const client = await ImapClient.connect(server.address.port)
  t.regex((await client.run('LOGIN user pass')).text, /^\[LIMIT\]/)
  // Other users of this machine share the address.
  t.regex((await client.run('LOGIN other pass')).text, /^\[AUTHENTICATIONFAILED\]/)
  client.close()
})

test('STARTTLS and TLS from the first byte', async t => {
  const tls = await tlsOf(t)
  const { server } = await serve(t, { tls })
  const client = await ImapClient.connect(server.address.port)
  t.regex(client.greeting, /STARTTLS/)
  t.is((await client.run('STARTTLS')).status, 'OK')
  const secure = connectTls({ socket: client.socket, rejectUnauthorized: false })
  await once(secure, 'secureConnect')
  secure.write('b CAPABILITY\r\n')
  const [answer] = (await once(secure, 'data')) as [Buffer]
  t.notRegex(answer.toString(), /STARTTLS/)
  secure.destroy()
  const folder = await temporaryFolder(t)
  await using store = await openMailStore({ folder })
  await using implicit = await startImap({ tls, implicitTls: true, authenticate: () => store })
  const whole = await (await ImapClient.connect(implicit.address.port, { tls: true })).login()
  t.is((await whole.run('SELECT INBOX')).status, 'OK')
  whole.close()
})

test('what follows STARTTLS in plain text is not taken for a command', async t => {
  const { server } = await serve(t, { tls: await tlsOf(t) })
  const client = await ImapClient.connect(server.address.port)
  client.raw('a STARTTLS\r\nb CAPABILITY\r\n')
  t.regex(await client.untagged(/BYE/), /nothing may follow/)
  await client.closed()
})

test('a password is not taken in plain text from another machine', async t => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find(found => found && !found.internal && found.family === 'IPv4')?.address
  if (address === undefined) {
    t.log('skipped: this machine has no other address')
    t.pass()
    return
  }
  const { server } = await serve(t, { host: address })
  const client = await ImapClient.connect(server.address.port, { host: address })
  t.regex(client.greeting, /LOGINDISABLED/)
  t.regex((await client.run('LOGIN user pass')).text, /^\[PRIVACYREQUIRED\]/)
  client.close()
})

test('connections are bounded: in all, of strangers and of one user', async t => {
  const { server, client } = await serve(t, { limits: { maxStrangers: 2, maxUserConnections: 2 } })
  const one = await client()
  await client()
  const third = await ImapClient.connect(server.address.port)
  t.is((await third.run('LOGIN user pass')).status, 'BYE')
  await third.closed()
  one.close()
  const strangers = [await ImapClient.connect(server.address.port), await ImapClient.connect(server.address.port)]
  const refused = await ImapClient.connect(server.address.port)
  t.regex(refused.greeting, /^\* BYE/)
  for (const stranger of strangers) stranger.close()
})

test('time-outs: of the login, and without a command', async t => {
  const { server, client } = await serve(t, { limits: { loginTimeoutMs: 2000, idleTimeoutMs: 2000 } })
  const stranger = await ImapClient.connect(server.address.port)
  t.regex(await stranger.untagged(/BYE/), /too long/)
  const session = await client()
  t.regex(await session.untagged(/BYE/), /too long/)
})

test('closing ends sessions once their command is answered', async t => {
  const { server, client } = await serve(t)
  const session = await client()
  const idler = await client()
  idler.send('IDLE')
  await idler.untagged(/^\+/)
  const closed = server.close({ timeout: 5000 })
  t.regex(await session.untagged(/BYE/), /closes/)
  t.regex(await idler.untagged(/BYE/), /closes/)
  await closed
  await t.throwsAsync(ImapClient.connect(server.address.port), { code: 'ECONNREFUSED' })
})

test('aborting the signal closes the server', async t => {
  const controller = new AbortController()
  const { server, client } = await serve(t, { signal: controller.signal })
  const session = await client()
  controller.abort()
  await session.closed()
  await server.close()
  await t.throwsAsync(ImapClient.connect(server.address.port), { code: 'ECONNREFUSED' })
})

test('options are checked', async t => {
  const authenticate = () => undefined
  for (const options of [
    {},
    { authenticate, prot: 1 },
    { authenticate, limits: { maxConn: 1 } },
    { authenticate, limits: { maxConnections: 0 } }
  ]) {
    await t.throwsAsync(startImap(options as never), { code: 'ERR_INVALID_ARGUMENT' })
  }
  await t.throwsAsync(startImap({ authenticate, implicitTls: true }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(startImap({ authenticate, tls: { key: 'x', cert: 'y' } }), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(startImap({ authenticate, signal: AbortSignal.abort() }), { code: 'ERR_CLOSED' })
})
