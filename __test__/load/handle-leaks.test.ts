// No leak of native handles: of closed endpoints, and of ended streams.
import test from 'ava'
import { Graceful, getEndpoint, type PeerStream, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native/addon.js'
import { collect } from './support/collect.js'

test('closed endpoints and their peers leave no native handle', async t => {
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const listener = server.listen({ Tcp: async stream => stream.finish(`${await stream.nextString()}\n`) })
  const peer = server.address()
  const one = async () => {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const stream = await endpoint.getStream(peer, 'Tcp')
    await stream.finish('hello\n')
    t.is(await stream.nextString(), 'hello')
    await endpoint.close()
  }
  const before = native().handleCount()
  for (let count = 0; count < 20; count++) await one()
  // The garbage collector may keep the last few; a leak exceeds this limit.
  const few = before + 6
  for (let turn = 0; turn < 200 && native().handleCount() > few; turn++) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  t.true(native().handleCount() <= few, `${before} → ${native().handleCount()} handles`)
  await server.close()
  await listener.closed
})

// Serial, because it counts all handles of the process.
test.serial('a closed endpoint releases the native handles of its peers at once, even if it is held', async t => {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const before = native().handleCount()
  const peer = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  await t.throwsAsync(endpoint.getStream(peer, 'Tcp', { timeout: 50 }), { code: 'ERR_UNREACHABLE' })
  t.is(native().handleCount(), before + 1)
  await endpoint.close()
  t.is(native().handleCount(), before)
  await t.throwsAsync(endpoint.getStream(peer, 'Tcp'), { code: 'ERR_CLOSED' })
})

// Serial, because it counts all handles of the process.
test.serial('a stream whose writer sees the lost connection first leaves no native handle', async t => {
  const before = native().handleCount()
  const options = { network: 'loopback' } as const
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  const kept: unknown[] = []
  const streams: PeerStream[] = []
  for (let count = 0; count < 50; count++) {
    const stream = await client.getStream(server.address(), 'Tcp')
    kept.push(await incoming.next())
    streams.push(stream)
  }
  // More than flow control accepts while the peer does not read.
  const bytes = new Uint8Array(4 * 1024 * 1024)
  const writing = streams.map(stream => t.throwsAsync(stream.write(bytes), { code: 'ERR_CONNECTION_LOST' }))
  const used = native().handleCount()
  const view = await client.connect(server.address())
  view.close(7, 'gone')
  await Promise.all(writing)
  // The server's streams are held and unused.
  t.is(kept.length, 50)
  t.true(native().handleCount() <= used - 50 + 2, `${before}, ${used}, ${native().handleCount()} handles`)
  await Promise.all([client.close(), server.close()])
})

test.serial('a Graceful does not retain closed endpoints', async t => {
  const graceful = new Graceful()
  const opened = async () => {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
    await endpoint.close()
    return new WeakRef(endpoint)
  }
  const closed = await opened()
  // A WeakRef keeps its target until the end of the turn in which it was created or read.
  for (let turn = 0; turn < 1000 && closed.deref() !== undefined; turn++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    collect()
  }
  t.is(closed.deref(), undefined)
  t.deepEqual((await graceful.shutdown()).unclosed, 0)
})
