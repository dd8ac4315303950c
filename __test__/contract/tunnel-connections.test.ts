// Bytes and ends of connections of a TCP tunnel: a failure on one side is never a clean end on the other.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { FastnNetError, Tunnel } from 'fastn-net'
import { type Pair, pair, pattern } from '../helpers/pair.js'
import { Program } from '../helpers/program.js'
import { prompt } from '../helpers/prompt.js'
import { connectTo, failed, failureOf, readSocket, type TcpServer, tcpServer } from '../helpers/sockets.js'

interface Tunnelled extends AsyncDisposable {
  readonly peers: Pair
  readonly service: TcpServer
  readonly bridge: Tunnel
  /** A client's socket, and the service's. */
  connect(): Promise<[Socket, Socket]>
}

async function tunnelled(): Promise<Tunnelled> {
  const [peers, service] = await Promise.all([pair(), tcpServer()])
  await peers.server.exposeTcp(service.port, { allow: [peers.client.id52] })
  const bridge = await peers.client.bridgeTcp({ peer: peers.server.address() })
  return {
    peers,
    service,
    bridge,
    connect: () => prompt(Promise.all([connectTo(bridge.port), service.accept()]), 'connect'),
    async [Symbol.asyncDispose]() {
      await Promise.all([peers.client.close({ timeout: 0 }), peers.server.close({ timeout: 0 })])
      await peers[Symbol.asyncDispose]()
      await service[Symbol.asyncDispose]()
    }
  }
}

async function isReset(t: ExecutionContext, socket: Socket): Promise<void> {
  t.is(await prompt(failed(socket), 'a reset'), 'ECONNRESET')
}

test('each direction ends separately, and large bodies arrive complete', async t => {
  await using tunnel = await tunnelled()
  const [client, service] = await tunnel.connect()
  const [request, answer] = [pattern(3_000_000), pattern(2_000_000)]
  client.end(request)
  t.true((await readSocket(service)).equals(request))
  service.end(answer)
  t.true((await readSocket(client)).equals(answer))
})

test('the service may speak first and end first', async t => {
  await using tunnel = await tunnelled()
  const [client, service] = await tunnel.connect()
  service.end('220 ready\n')
  t.is((await prompt(readSocket(client), 'greeting')).toString(), '220 ready\n')
  client.end('quit\n')
  t.is((await prompt(readSocket(service), 'quit')).toString(), 'quit\n')
})

test('a reset on either side is a reset on the other', async t => {
  await using tunnel = await tunnelled()
  const [client, service] = await tunnel.connect()
  service.resetAndDestroy()
  await isReset(t, client)
  const [second, serviceOfSecond] = await tunnel.connect()
  second.resetAndDestroy()
  await isReset(t, serviceOfSecond)
})

test('a target that refuses is a reset', async t => {
  await using tunnel = await tunnelled()
  tunnel.service.server.close()
  await once(tunnel.service.server, 'close')
  t.is(await prompt(failureOf(tunnel.bridge.port), 'a reset'), 'ECONNRESET')
  const refused = tunnel.peers.client.getStream(tunnel.peers.server.address(), 'Tcp')
  const error = await t.throwsAsync<FastnNetError>(refused, { code: 'ERR_TARGET' })
  t.is(error.remoteCode, 'target-unreachable')
  tunnel.service.server.listen(tunnel.service.port, '127.0.0.1')
})

test('a peer that loses access loses its connections', async t => {
  await using tunnel = await tunnelled()
  const [client, service] = await tunnel.connect()
  tunnel.peers.server.access.deny(tunnel.peers.client.id52)
  await Promise.all([isReset(t, client), isReset(t, service)])
  t.is(await prompt(failureOf(tunnel.bridge.port), 'a reset'), 'ECONNRESET')
})

test('a service that reads nothing blocks its client, and gets every byte later', async t => {
  await using tunnel = await tunnelled()
  const [client, service] = await tunnel.connect()
  const chunk = new Uint8Array(64 * 1024)
  let written = 0
  for (;;) {
    written += chunk.length
    if (!client.write(chunk) && (await isStuck(client))) break
    if (written > 32 * 1024 * 1024) break
  }
  const taken = written - client.writableLength
  t.true(taken <= 16 * 1024 * 1024, `${taken} bytes were taken`)
  client.end()
  t.is((await prompt(readSocket(service), 'every byte')).length, written)
})

/** Whether no more bytes are accepted for a second. */
function isStuck(socket: Socket): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, 1000, true)
    socket.once('drain', () => {
      clearTimeout(timer)
      resolve(false)
    })
  })
}

test('a killed process is a reset at both ends', async t => {
  await using service = await tcpServer()
  const through = async () => {
    const exposer = new Program('expose', String(service.port))
    const bridge = new Program('bridge', await exposer.line())
    const client = await connectTo(Number(await bridge.line()))
    client.write('x')
    const accepted = await service.accept()
    await once(accepted, 'data')
    return { exposer, bridge, client: failed(client), service: failed(accepted) }
  }
  const first = await through()
  const second = await through()
  first.bridge.kill('SIGKILL')
  second.exposer.kill('SIGKILL')
  // The system closes the sockets of a killed process.
  t.is(await prompt(first.client, 'a reset'), 'ECONNRESET')
  t.is(await prompt(second.service, 'a reset'), 'ECONNRESET')
  // The other side is silent.
  t.is(await first.service, 'ECONNRESET')
  t.is(await second.client, 'ECONNRESET')
  first.exposer.kill('SIGKILL')
  second.bridge.kill('SIGKILL')
})
