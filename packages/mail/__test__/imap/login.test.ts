import { once } from 'node:events'
import { connect } from 'node:net'
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

test('a wrong password takes a second; after ten, the correct one is delayed, not refused', async t => {
  const { server } = await serve(t)
  const attempts = Array.from({ length: 12 }, async () => {
    const client = await ImapClient.connect(server.address.port)
    const started = performance.now()
    const answer = await client.run('LOGIN user wrong')
    t.regex(answer.text, /^\[AUTHENTICATIONFAILED\]/)
    t.true(performance.now() - started > 900)
    client.close()
  })
  await Promise.all(attempts)
  const client = await ImapClient.connect(server.address.port)
  const started = performance.now()
  t.is((await client.run('LOGIN user pass')).status, 'OK')
  t.true(performance.now() - started > 900)
  // Other users of this machine share the address.
  const other = await ImapClient.connect(server.address.port)
  t.regex((await other.run('LOGIN other pass')).text, /^\[AUTHENTICATIONFAILED\]/)
  for (const each of [client, other]) each.close()
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

test('plain text after STARTTLS is not executed', async t => {
  const { server } = await serve(t, { tls: await tlsOf(t) })
  const client = await ImapClient.connect(server.address.port)
  client.raw('a STARTTLS\r\nb CAPABILITY\r\n')
  t.regex(await client.untagged(/BYE/), /nothing may follow/)
  await client.closed()
})

test('plain-text passwords from another machine are refused', async t => {
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

test('sessions are bounded, in all and per user', async t => {
  const { server, client } = await serve(t, { limits: { maxUserConnections: 2 } })
  const one = await client()
  await client()
  const third = await ImapClient.connect(server.address.port)
  t.is((await third.run('LOGIN user pass')).status, 'BYE')
  await third.closed()
  one.close()
  const { server: small, client: session } = await serve(t, { limits: { maxConnections: 1 } })
  const only = await session()
  const second = await ImapClient.connect(small.address.port)
  t.is((await second.run('LOGIN user pass')).status, 'BYE')
  t.is((await only.run('NOOP')).status, 'OK')
})

test('idle connections cannot block clients: a newer one evicts the oldest', async t => {
  const { server, client } = await serve(t)
  const session = await client()
  const silent: ImapClient[] = []
  for (let at = 0; at < 200; at++) silent.push(await ImapClient.connect(server.address.port))
  t.teardown(() => {
    for (const each of silent) each.close()
  })
  t.regex(await silent[0]!.untagged(/BYE/), /UNAVAILABLE.*newer connection/)
  await silent[0]!.closed()
  t.is((await session.run('NOOP')).status, 'OK')
  const late = await client()
  t.is((await late.run('SELECT INBOX')).status, 'OK')
  // The session that has logged in, the late one and 63 or 64 silent ones.
  while (server.connections > 66) await new Promise(resolve => setTimeout(resolve, 20))
  t.pass()
})

test('connections in a TLS handshake cannot block clients', async t => {
  const tls = await tlsOf(t)
  const { server } = await serve(t, { tls, implicitTls: true, limits: { maxPendingLogins: 4 } })
  const { port } = server.address
  // The beginning of a ClientHello, and nothing.
  const silent = Array.from({ length: 40 }, (_, at) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    if (at % 2 === 0) socket.write(Buffer.from('1603010200010001fc0303', 'hex'))
    return socket.resume()
  })
  t.teardown(() => {
    for (const each of silent) each.destroy()
  })
  await once(silent[0]!, 'close')
  const client = await (await ImapClient.connect(port, { tls: true })).login()
  t.is((await client.run('SELECT INBOX')).status, 'OK')
  client.close()
})

test('a connection with a pending password check is not evicted', async t => {
  const { server } = await serve(t, { limits: { maxPendingLogins: 2 } })
  const slow = await ImapClient.connect(server.address.port)
  // The answer to a wrong password takes a second.
  const answer = slow.run('LOGIN user wrong')
  const silent = [await ImapClient.connect(server.address.port), await ImapClient.connect(server.address.port)]
  await silent[0]!.closed()
  t.is((await answer).status, 'NO')
  t.is((await slow.run('LOGIN user pass')).status, 'OK')
  for (const each of [slow, ...silent]) each.close()
})

test('timeouts: login and idle', async t => {
  const { server, client } = await serve(t, { limits: { loginTimeoutMs: 2000, idleTimeoutMs: 2000 } })
  const stranger = await ImapClient.connect(server.address.port)
  t.regex(await stranger.untagged(/BYE/), /too long/)
  const session = await client()
  t.regex(await session.untagged(/BYE/), /too long/)
})

test('closing does not wait for a delayed password', async t => {
  const { server } = await serve(t)
  const wrong = async () => {
    const client = await ImapClient.connect(server.address.port)
    await client.run('LOGIN user wrong')
    client.close()
  }
  await Promise.all(Array.from({ length: 14 }, wrong))
  const client = await ImapClient.connect(server.address.port)
  client.send('LOGIN user pass')
  await new Promise(resolve => setTimeout(resolve, 100))
  const started = performance.now()
  await server.close()
  t.true(performance.now() - started < 4000)
})

test('closing ends sessions after their current command', async t => {
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
