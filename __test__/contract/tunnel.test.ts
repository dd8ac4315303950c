// TCP tunnels: access, local addresses, and how they end. tunnel-connections.test.ts tests their bytes and ends.
import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Graceful, getEndpoint, SecretKey, Tunnel } from 'fastn-net'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'
import { connectTo, echoServer, failed, readSocket } from '../helpers/sockets.js'

const local = '127.0.0.1'

test('a bridge carries connections to the exposed service', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  await using exposed = await peers.server.exposeTcp(`${local}:${service.port}`, { allow: [peers.client.publicKey] })
  await using bridge = await peers.client.bridgeTcp({ peer: peers.server.address() })
  t.true(exposed instanceof Tunnel && bridge instanceof Tunnel)
  t.deepEqual([exposed.address, exposed.port], [null, null])
  t.is(bridge.address, `${local}:${bridge.port}`)
  const socket = await connectTo(bridge.port)
  socket.end('hello')
  t.is((await prompt(readSocket(socket), 'echo')).toString(), 'hello')
})

test("allow is required: a list of peers, or 'public'", async t => {
  await using peers = await pair()
  const { server, client } = peers
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  for (const options of [{}, { allow: undefined }, { allow: 'everyone' }, { allow: [] }, { allow: client.id52 }])
    await t.throwsAsync(server.exposeTcp(80, options as { allow: 'public' }), invalid)
  await t.throwsAsync(server.exposeTcp(80, { allow: ['nobody'] }), { code: 'ERR_PEER_ADDRESS' })
  await using exposed = await server.exposeTcp(80, { allow: new Set([client.id52, client.publicKey]) })
  t.is(exposed.connections, 0)
})

test('a peer that is not allowed is refused', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  await using exposed = await peers.server.exposeTcp(service.port, { allow: [SecretKey.generate().publicKey] })
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Tcp'), { code: 'ERR_UNAUTHORIZED' })
  t.is(exposed.connections, 0)
})

test('services have names, and each name has one service', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  await using one = await peers.server.exposeTcp(1, { allow: 'public', service: 'one' })
  await using two = await peers.server.exposeTcp(service.port, { allow: 'public', service: 'two' })
  const again = peers.server.exposeTcp(service.port, { allow: 'public', service: 'two' })
  await t.throwsAsync(again, { code: 'ERR_PROTOCOL_IN_USE' })
  await t.throwsAsync(peers.server.exposeTcp(1, { allow: 'public', service: '' }), { code: 'ERR_INVALID_ARGUMENT' })
  await using bridge = await peers.client.bridgeTcp({ peer: peers.server.address(), service: 'two' })
  const socket = await connectTo(bridge.port)
  socket.end('to two')
  t.is((await prompt(readSocket(socket), 'echo')).toString(), 'to two')
  t.deepEqual([one.connections, two.port], [0, null])
})

test('the error names an unusable local address', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  const peer = peers.server.address()
  const inUse = await t.throwsAsync(peers.client.bridgeTcp({ peer, port: service.port }), { code: 'ERR_LISTEN' })
  t.true(inUse.message.includes(`${local}:${service.port}`), inUse.message)
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(peers.client.bridgeTcp({ peer, port: 65_536 }), invalid)
  await t.throwsAsync(peers.client.bridgeTcp({ peer, host: 'a b' }), invalid)
  await t.throwsAsync(peers.client.bridgeTcp({ peer, path: 'service.sock', port: 1 }), invalid)
  await t.throwsAsync(peers.client.bridgeTcp({ peer: peers.client.id52 }), { code: 'ERR_PEER_ADDRESS' })
  await t.throwsAsync(peers.server.exposeTcp('no port', { allow: 'public' }), invalid)
})

test('a closed tunnel accepts nothing, and resets connections that outlast its timeout', async t => {
  await using peers = await pair()
  await using service = await echoServer()
  const exposed = await peers.server.exposeTcp(service.port, { allow: 'public' })
  const bridge = await peers.client.bridgeTcp({ peer: peers.server.address() })
  const socket = await connectTo(bridge.port)
  socket.write('x')
  await prompt(new Promise(resolve => socket.once('data', resolve)), 'echo')
  t.deepEqual([exposed.connections, bridge.connections], [1, 1])
  const reset = failed(socket)
  await prompt(bridge.close({ timeout: 50 }), 'close')
  t.is(await prompt(reset, 'reset'), 'ECONNRESET')
  await prompt(bridge.closed, 'closed')
  await bridge.close()
  t.is(bridge.connections, 0)
  await t.throwsAsync(connectTo(bridge.port), { code: 'ECONNREFUSED' })
  await prompt(exposed.close(), 'close')
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Tcp'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('a signal ends a tunnel, and an aborted one starts none', async t => {
  await using peers = await pair()
  const controller = new AbortController()
  const { signal } = controller
  const exposed = await peers.server.exposeTcp(80, { allow: 'public', signal })
  const bridge = await peers.client.bridgeTcp({ peer: peers.server.address(), signal })
  controller.abort(new Error('enough'))
  await prompt(Promise.all([exposed.closed, bridge.closed]), 'closed')
  const aborted = { message: 'enough' }
  await t.throwsAsync(peers.server.exposeTcp(80, { allow: 'public', signal }), aborted)
  await t.throwsAsync(peers.client.bridgeTcp({ peer: peers.server.address(), signal }), aborted)
})

test('a shutdown lets connections finish', async t => {
  const graceful = new Graceful()
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  await using client = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  await using service = await echoServer()
  const exposed = await server.exposeTcp(service.port, { allow: 'public' })
  await using bridge = await client.bridgeTcp({ peer: server.address() })
  const socket = await connectTo(bridge.port)
  socket.write('before, ')
  await prompt(service.accept(), 'accept')
  const shutdown = graceful.shutdown({ timeout: 30_000 })
  socket.end('after')
  t.is((await prompt(readSocket(socket), 'the rest')).toString(), 'before, after')
  t.true((await prompt(shutdown, 'shutdown')).clean)
  await prompt(exposed.closed, 'closed')
  await t.throwsAsync(server.exposeTcp(80, { allow: 'public' }), { code: 'ERR_CLOSED' })
})

if (process.platform !== 'win32') {
  test('Unix sockets serve on both sides', async t => {
    await using peers = await pair()
    const folder = join(tmpdir(), `fastn-net-${process.pid}-${Date.now()}`)
    const [target, path] = [`${folder}.service`, `${folder}.bridge`]
    const service: Server = createServer({ allowHalfOpen: true }, socket => socket.pipe(socket))
    await new Promise<void>(resolve => service.listen(target, resolve))
    await using exposed = await peers.server.exposeTcp(`unix:${target}`, { allow: 'public' })
    await using bridge = await peers.client.bridgeTcp({ peer: peers.server.address(), path })
    t.deepEqual([bridge.address, bridge.port, exposed.port], [`unix:${path}`, null, null])
    const socket = await connectTo(path)
    socket.end('over Unix sockets')
    t.is((await prompt(readSocket(socket), 'echo')).toString(), 'over Unix sockets')
    service.close()
    await rm(target, { force: true })
  })
}
