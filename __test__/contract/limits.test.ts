// Limits per peer and for all peers.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { type EndpointOptions, type FastnNetError, getEndpoint, SecretKey } from 'fastn-net'
import { resolveOptions } from '../../dist/modules/endpoint/options.js'
import { Echo, type Pair, pair } from '../helpers/pair.js'

async function limited(t: ExecutionContext, options: EndpointOptions): Promise<Pair> {
  const both = await pair(options)
  t.teardown(() => both[Symbol.asyncDispose]())
  return both
}

async function refusal(promise: Promise<unknown>): Promise<FastnNetError> {
  return await promise.then(
    () => {
      throw new Error('it was not refused')
    },
    error => error
  )
}

test('limits the open streams of a peer; one that ends makes room', async t => {
  const both = await limited(t, { maxStreamsPerPeer: 2 })
  const [mine, theirs] = await both.stream()
  await both.stream()
  const refused = await refusal(both.client.getStream(both.server.address(), Echo))
  t.like(refused, { code: 'ERR_TOO_MANY_STREAMS', remoteCode: 'too-many-streams' })
  t.true(refused.message.includes('2 streams'), refused.message)
  t.true((await both.client.ping(both.server.address())) > 0)
  await Promise.all([mine.finish(), theirs.finish()])
  t.is(await theirs.read(), null)
  t.is(await mine.read(), null)
  await both.stream()
})

test('limits the open streams of all peers', async t => {
  const both = await limited(t, { maxStreamsTotal: 1 })
  await both.stream()
  t.like(await refusal(both.client.getStream(both.server.address(), Echo)), { code: 'ERR_BUSY', remoteCode: 'busy' })
})

test('limits the streams per second of a peer', async t => {
  const both = await limited(t, { streamsPerSecond: 1, streamsBurst: 3 })
  await both.stream()
  const incoming = both.server.acceptBi('Tcp')
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () => both.client.getStream(both.server.address(), 'Tcp'))
  )
  const refused = answers.filter(answer => answer.status === 'rejected')
  t.true(refused.length > 0)
  for (const { reason } of refused) t.like(reason, { code: 'ERR_BUSY', remoteCode: 'busy' })
  await incoming.return()
})

test('raising a limit raises the limits above it', async t => {
  const raised = resolveOptions({ network: 'loopback', maxStreams: 300_000, receiveWindow: 100_000_000 }).binding
  t.like(raised.limits, { maxStreamsPerPeer: 300_000, maxStreamsTotal: 300_000 })
  t.is(raised.limits.receiveWindowPerPeer, 100_000_000)
  const perPeer = resolveOptions({ network: 'loopback', maxStreamsPerPeer: 400_000 }).binding
  t.like(perPeer.limits, { maxStreamsPerPeer: 400_000, maxStreamsTotal: 400_000 })
  t.is(perPeer.limits.maxStreams, 1_024)
  const lowered = resolveOptions({ network: 'loopback', maxStreams: 10, receiveWindow: 70_000 }).binding
  t.like(lowered.limits, { maxStreamsPerPeer: 8_192, maxStreamsTotal: 262_144 })
  t.is(lowered.limits.receiveWindowPerPeer, 67_108_864)
  // The core accepts the raised limits.
  const both = await limited(t, { maxStreams: 300_000 })
  const [mine] = await both.stream()
  t.is(mine.remoteId52, both.server.id52)
})

test('rejects invalid options immediately', async t => {
  for (const [name, options] of Object.entries({
    maxStreamsPerPeer: { maxStreamsPerPeer: 0 },
    maxStreamsTotal: { maxStreamsTotal: 1.5 },
    streamsPerSecond: { streamsPerSecond: Number.POSITIVE_INFINITY },
    streamsBurst: { streamsBurst: 5 }
  })) {
    const error = await refusal(getEndpoint(SecretKey.generate(), { network: 'loopback', ...options }))
    t.is(error.code, 'ERR_INVALID_ARGUMENT')
    t.true(error.message.includes(name), error.message)
  }
})

/** Forwards packets to an endpoint but drops its replies: a client never completes its handshake. */
async function oneWay(t: ExecutionContext, to: string): Promise<{ address: string; answered: Promise<unknown> }> {
  const bound = async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    t.teardown(() => socket.close())
    await once(socket, 'listening')
    return socket
  }
  const [front, back]: [Socket, Socket] = [await bound(), await bound()]
  const port = Number(to.split(':')[1])
  front.on('message', message => back.send(message, port, '127.0.0.1'))
  return { address: `127.0.0.1:${front.address().port}`, answered: once(back, 'message') }
}

test('handshakes do not count as connections', async t => {
  const both = await limited(t, { maxConnections: 2, closeTimeout: 500 })
  both.server.listen({ Http: () => {} })
  const { id52, addresses } = both.server.address()
  const controller = new AbortController()
  const stuck = [0, 1].map(async () => {
    const client = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const { address, answered } = await oneWay(t, addresses[0] as string)
    const connecting = client.connect({ id52, addresses: [address] }, { signal: controller.signal })
    await Promise.race([answered, connecting])
    return { client, connecting: connecting.catch(error => error.name) }
  })
  const begun = await Promise.all(stuck)
  t.is((await both.client.connect({ id52, addresses })).remoteId52, id52)
  controller.abort()
  t.deepEqual(await Promise.all(begun.map(({ connecting }) => connecting)), ['AbortError', 'AbortError'])
  // Concurrently, because each keeps notifying the silent peer for a while.
  await Promise.all(begun.map(({ client }) => client.close()))
})
