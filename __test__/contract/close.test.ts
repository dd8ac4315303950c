import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import { getEndpoint, type PeerStream, SecretKey } from 'fastn-net'
import { Echo, pair, pattern, readAll, turn } from '../helpers/pair.js'

test('close is idempotent and shared', async t => {
  await using peers = await pair()
  t.deepEqual(await Promise.all([peers.client.close(), peers.client.close(), peers.client.close()]), [0, 0, 0])
  t.is(await peers.client.close(), 0)
})

test('finished streams are delivered before the endpoint closes', async t => {
  await using peers = await pair()
  const received = (async () => {
    for await (const stream of peers.server.acceptBi(Echo)) return await readAll(stream)
    return null
  })()
  const whole = pattern(500_000)
  const stream = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  await stream.finish(whole)
  t.is(await peers.client.close(), 0)
  t.true((await received)?.equals(whole))
})

test('an accepted stream is lost with its connection, even if its ack was not read', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi(Echo)
  const mine = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  const theirs = (await incoming.next()).value as PeerStream
  await theirs.finish()
  // The ack has arrived with the FIN.
  await theirs.closed
  const { connection } = mine
  await peers.server.close()
  await connection.closed
  await t.throwsAsync(mine.write('request'), { code: 'ERR_CONNECTION_LOST' })
})

test('a finish that its peer does not read delays close up to the timeout, and is counted', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const ending = mine.finish(pattern(32_000_000))
  const ended = t.throwsAsync(ending, { code: 'ERR_CLOSED' })
  const began = performance.now()
  t.is(await peers.client.close({ timeout: 200 }), 1)
  t.true(performance.now() - began >= 199)
  await ended
})

test('a pending finish whose peer reads is delivered before the endpoint closes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const whole = pattern(32_000_000)
  await mine.write(whole.subarray(0, 1))
  // Waits for a write that is pending itself.
  const writing = mine.write(whole.subarray(1, 20_000_000))
  const ending = mine.finish(whole.subarray(20_000_000))
  const closing = peers.client.close()
  await t.throwsAsync(peers.client.getStream(peers.server.address(), Echo), { code: 'ERR_CLOSED' })
  t.true((await readAll(theirs)).equals(whole))
  t.is(await closing, 0)
  await Promise.all([writing, ending])
})

test('an aborted finish does not delay close', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const controller = new AbortController()
  const ended = mine.finish(pattern(32_000_000), { signal: controller.signal }).catch((error: unknown) => error)
  const closing = peers.client.close({ timeout: 60_000 })
  await turn()
  controller.abort('enough')
  t.is(await ended, 'enough')
  t.is(await closing, 0)
})

test('pending calls end with the endpoint', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const reading = mine.read()
  const writing = mine.write(pattern(32_000_000))
  const [a, b] = [t.throwsAsync(reading, { code: 'ERR_CLOSED' }), t.throwsAsync(writing, { code: 'ERR_CLOSED' })]
  await peers.client.close()
  await Promise.all([a, b])
})

for (const ack of ['now', 'later'] as const) {
  test(`closing fails a read that waits for an answer, instead of ending it: ack ${ack}`, async t => {
    await using peers = await pair()
    const incoming = peers.server.acceptBi(Echo)
    const [stream] = await Promise.all([peers.client.getStream(peers.server.address(), Echo, { ack }), incoming.next()])
    await stream.finish('question\n')
    const answered = t.throwsAsync(readAll(stream), { code: 'ERR_CLOSED' })
    await turn()
    await Promise.all([peers.client.close(), answered])
  })
}

test('calls of a closed endpoint fail with ERR_CLOSED', async t => {
  await using peers = await pair()
  const address = peers.server.address()
  await peers.client.close()
  const expected = { code: 'ERR_CLOSED' }
  await t.throwsAsync(peers.client.getStream(address, Echo), expected)
  await t.throwsAsync(peers.client.connect(address), expected)
  await t.throwsAsync(peers.client.ping(address), expected)
  t.throws(() => peers.client.acceptBi(Echo), expected)
})

test('an unanswered dial does not delay close', async t => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const nobody = { id52: SecretKey.generate().id52, addresses: [`127.0.0.1:${silent.address().port}`] }
  const dialling = t.throwsAsync(endpoint.getStream(nobody, Echo), { code: 'ERR_CLOSED' })
  await once(silent, 'message')
  const began = performance.now()
  t.is(await endpoint.close({ timeout: 1 }), 0)
  const took = performance.now() - began
  t.true(took < 1500, `${took} ms`)
  await dialling
})

test('close with an aborted signal does not close', async t => {
  await using peers = await pair()
  peers.server.acceptBi(Echo)
  const reason = new Error('not now')
  await t.throwsAsync(peers.server.close({ signal: AbortSignal.abort(reason) }), { is: reason })
  t.true((await peers.client.ping(peers.server.address())) > 0)
})
