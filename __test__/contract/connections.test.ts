// Connections: their streams, and how they end.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { Echo, pair, readAll } from '../helpers/pair.js'

test('connect and accept return connections that carry streams both ways', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const serving = peers.server.acceptBi(Echo)
  const [mine, taken] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  const theirs = taken.value
  t.is(mine.remoteId52, peers.server.id52)
  t.is(theirs?.remoteId52, peers.client.id52)
  t.true(mine.dialled)
  t.false(theirs?.dialled)
  t.is(mine.alpn, '/fastn-net/1')
  t.true((mine.rtt ?? 0) > 0)
  t.true(mine.paths.some(path => path.selected && !path.relay))
  t.true(mine.stats().bytesSent > 0)

  const [out, { value: there }] = await Promise.all([mine.openBi(Echo), serving.next()])
  await out.finish('there')
  t.is((await readAll(there as PeerStream)).toString(), 'there')

  const back = mine.acceptBi(Echo)
  const [answer, { value: here }] = await Promise.all([theirs?.openBi(Echo), back.next()])
  await answer?.finish('back')
  t.is((await readAll(here as PeerStream)).toString(), 'back')
  await incoming.return()
})

test("a stream that arrives before its connection's acceptBi waits for it", async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const mine = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  await mine.finish('early\n')
  // A ping's answer proves that everything before it has arrived.
  await peers.client.ping(peers.server.id52)
  const { value: connection } = await incoming.next()
  await peers.client.ping(peers.server.id52)
  const { value: theirs } = (await connection?.acceptBi(Echo).next()) ?? {}
  t.is(await theirs?.nextString(), 'early')
  await theirs?.finish('answer\n')
  t.is(await mine.nextString(), 'answer')
})

test('closing a connection tells both sides how it ended', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const [mine, { value: theirs }] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  mine.close(7, 'enough')
  t.like(await mine.closed, { code: 7, by: 'local' })
  t.deepEqual(await theirs?.closed, { code: 7, reason: 'enough', by: 'peer' })
  t.throws(() => mine.close(0x101), { code: 'ERR_INVALID_ARGUMENT' })
})

test('a close reason longer than a packet is truncated, whatever the code', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const [mine, { value: theirs }] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  mine.close(2 ** 53 - 1, '€'.repeat(1000))
  const reason = '€'.repeat(85)
  t.deepEqual(await theirs?.closed, { code: 2 ** 53 - 1, reason, by: 'peer' })
  t.deepEqual(await mine.closed, { code: 2 ** 53 - 1, reason, by: 'local' })
})

test('a lost connection ends both halves of its streams', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = theirs.read()
  mine.connection.close(1)
  await t.throwsAsync(reading, { code: 'ERR_CONNECTION_LOST' })
  await t.throwsAsync(theirs.write('x'), { code: 'ERR_CONNECTION_LOST' })
  await t.throwsAsync(theirs.closed, { code: 'ERR_CONNECTION_LOST' })
})
