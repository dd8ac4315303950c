// Proxies: who may use them, the destinations that they reach, and the replies to other requests.
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import test from 'ava'
import { type ExposeProxyOptions, Graceful, getEndpoint, SecretKey, Tunnel } from 'fastn-net'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'
import { echoServer, readSocket } from '../helpers/sockets.js'
import { exchange, socksConnect, socksRequest } from '../helpers/socks.js'

const greeting = Buffer.from([5, 1, 0])
const invalid = { code: 'ERR_INVALID_ARGUMENT' }

test('clients of socks5 reach the destinations that the peer allows', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  const targets = ['localhost@127.0.0.0/8']
  await using exposed = await peers.server.exposeProxy({ allow: [peers.client.publicKey], targets })
  await using tunnel = await peers.client.socks5(peers.server.address())
  t.true(exposed instanceof Tunnel && tunnel instanceof Tunnel)
  t.deepEqual([exposed.address, exposed.port, exposed.url], [null, null, null])
  t.is(tunnel.url, `socks5h://127.0.0.1:${tunnel.port}`)
  const [socket, reply] = await prompt(socksConnect(tunnel.port, 'localhost', service.port), 'reply')
  t.is(reply, 0)
  t.deepEqual([exposed.connections, tunnel.connections], [1, 1])
  socket.end('through a proxy')
  t.is((await prompt(readSocket(socket.resume()), 'echo')).toString(), 'through a proxy')
})

test('destinations that no rule allows are refused, in every spelling', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  const targets = ['*', '0.0.0.0/0', '::/0', '*.localhost', '10.0.0.0/8']
  await using exposed = await peers.server.exposeProxy({ allow: 'public', targets })
  await using tunnel = await peers.client.socks5(peers.server.address())
  const hosts = ['localhost', '127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '::1', '::ffff:127.0.0.1']
  for (const host of [
    ...hosts,
    '0.0.0.0',
    '[::1]',
    '169.254.169.254',
    'LOCALHOST.',
    '127.0.0.1.',
    'a b',
    '\0',
    'localhost\n'
  ])
    t.is((await prompt(socksConnect(tunnel.port, host, service.port), host))[1], 2, host)
  t.is(exposed.connections, 0)
})

test('each failure has its own reply', async t => {
  await using peers = await pair({ openTimeout: 1_000 })
  await using _ = await peers.server.exposeProxy({ allow: 'public', targets: ['127.0.0.1', '*.invalid'] })
  await using tunnel = await peers.client.socks5(peers.server.address())
  const service = await echoServer()
  const { port } = service
  await service[Symbol.asyncDispose]()
  t.is((await prompt(socksConnect(tunnel.port, '127.0.0.1', port), 'refused'))[1], 5)
  t.is((await prompt(socksConnect(tunnel.port, 'name.invalid', 80), 'not found'))[1], 4)
  const bind = Buffer.from([5, 2, 0, 1, 127, 0, 0, 1, 0, 80])
  t.deepEqual([...(await exchange(tunnel.port, Buffer.concat([greeting, bind])))], [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0])
  await peers.server.close()
  t.is((await prompt(socksConnect(tunnel.port, '127.0.0.1', port), 'no peer'))[1], 3)
})

test('malformed greetings and requests reach nothing', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  await using exposed = await peers.server.exposeProxy({ allow: 'public', targets: ['127.0.0.0/8'] })
  await using tunnel = await peers.client.socks5(peers.server.address())
  const request = socksRequest('127.0.0.1', service.port)
  const cases: [Uint8Array | string, number[]][] = [
    ['GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', []],
    [Buffer.from([4, 1, service.port >> 8, service.port & 255, 127, 0, 0, 1, 0]), []],
    [Buffer.from([5, 0, ...request]), []],
    [Buffer.from([5, 2, 1, 2, ...request]), [5, 255]],
    [Buffer.from([5, 1, 0, 4, ...request.subarray(1)]), [5, 0]],
    [Buffer.from([5, 1, 0, 5, 1, 1, ...request.subarray(3)]), [5, 0]],
    [Buffer.from([5, 1, 0, 5, 1, 0, 3, 0, 0, 80, 0]), [5, 0]],
    [Buffer.from([5, 1, 0, 5, 1, 0, 9]), [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0]]
  ]
  for (const [bytes, expected] of cases) {
    const answer = [...(await prompt(exchange(tunnel.port, bytes), 'an end'))]
    // A reset may overtake the answer if the client's bytes were not read.
    t.deepEqual(answer, expected.slice(0, answer.length), JSON.stringify([...bytes]))
  }
  t.is(exposed.connections, 0)
  t.is((await prompt(socksConnect(tunnel.port, '127.0.0.1', service.port), 'reply'))[1], 0)
})

test('allow and targets are required, and invalid rules are rejected', async t => {
  await using peers = await pair()
  const { server } = peers
  const targets = ['*:443']
  for (const options of [{ targets }, { allow: [], targets }, { allow: 'public' }, { allow: 'public', targets: [] }])
    await t.throwsAsync(server.exposeProxy(options as ExposeProxyOptions), invalid)
  for (const rule of ['', '443', '10.0.0.1/8', '127.1', '::ffff:0:0/96', 'https://example.com', 'a:0', '*.*'])
    await t.throwsAsync(server.exposeProxy({ allow: 'public', targets: [rule] }), invalid, rule)
  await t.throwsAsync(server.exposeProxy({ allow: 'public', targets: '*' as never }), invalid)
  const misspelt = { allow: 'public', targets, target: [] } as ExposeProxyOptions
  const error = await t.throwsAsync(server.exposeProxy(misspelt), invalid)
  t.regex(error.message, /targets/)
  await using _ = await server.exposeProxy({ allow: 'public', targets })
  await t.throwsAsync(server.exposeProxy({ allow: 'public', targets }), { code: 'ERR_PROTOCOL_IN_USE' })
  await using named = await server.exposeProxy({ allow: 'public', targets, service: 'other' })
  t.is(named.connections, 0)
  await t.throwsAsync(peers.client.socks5(server.address(), { peer: 'x' } as object), invalid)
  await t.throwsAsync(peers.client.socks5('nobody'), { code: 'ERR_PEER_ADDRESS' })
})

test('a peer that is not allowed, or no longer allowed, reaches nothing', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  await using _ = await peers.server.exposeProxy({ allow: [SecretKey.generate().publicKey], targets: ['127.0.0.1'] })
  await using open = await peers.server.exposeProxy({ allow: 'public', targets: ['127.0.0.1'], service: 'open' })
  await using closed = await peers.client.socks5(peers.server.address())
  t.is((await prompt(socksConnect(closed.port, '127.0.0.1', service.port), 'refused'))[1], 2)
  await using tunnel = await peers.client.socks5(peers.server.address(), { service: 'open' })
  const [socket, reply] = await prompt(socksConnect(tunnel.port, '127.0.0.1', service.port), 'reply')
  t.is(reply, 0)
  const reset = new Promise(resolve => socket.once('close', resolve))
  peers.server.access.deny(peers.client.publicKey)
  socket.resume()
  await prompt(reset, 'reset')
  t.is(open.port, null)
})

test('a shutdown lets connections finish', async t => {
  const graceful = new Graceful()
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  await using client = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  await using service = await echoServer()
  const exposed = await server.exposeProxy({ allow: 'public', targets: ['127.0.0.1'] })
  await using tunnel = await client.socks5(server.address())
  const [socket] = await prompt(socksConnect(tunnel.port, '127.0.0.1', service.port), 'reply')
  const shutdown = graceful.shutdown({ timeout: 30_000 })
  socket.end('last words')
  t.is((await prompt(readSocket(socket.resume()), 'the rest')).toString(), 'last words')
  t.true((await prompt(shutdown, 'shutdown')).clean)
  await prompt(exposed.closed, 'closed')
})

test('curl works through socks5, with names of the peer', async t => {
  const web = createServer((request, response) => {
    let length = 0
    request.on('data', (chunk: Uint8Array) => (length += chunk.length))
    request.on('end', () => response.end(`${request.method} ${request.url} ${length}`))
  })
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
  const { port } = web.address() as AddressInfo
  await using peers = await pair()
  await using _ = await peers.server.exposeProxy({ allow: 'public', targets: ['127.0.0.0/8'] })
  await using tunnel = await peers.client.socks5(peers.server.address())
  const curl = (...args: string[]) =>
    promisify(execFile)('curl', ['--silent', '--noproxy', '', '--max-time', '30', '--proxy', tunnel.url ?? '', ...args])
  try {
    const { stdout } = await curl(`http://localhost:${port}/path?query`)
    t.is(stdout, 'GET /path?query 0')
    const posted = await curl('--data-binary', 'x'.repeat(100_000), `http://127.0.0.1:${port}/up`)
    t.is(posted.stdout, 'POST /up 100000')
    const refused = await t.throwsAsync(curl(`http://10.0.0.1:${port}/`), { any: true })
    t.like(refused, { code: 97 })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    t.log('curl is not installed')
    t.pass()
  } finally {
    web.close()
    web.closeAllConnections()
  }
})
