// `closed` of a stream without a pending read or write.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { Echo, type Pair, pair, readAll, turn } from '../helpers/pair.js'

async function streams(peers: Pair): Promise<[PeerStream, PeerStream]> {
  const both = await peers.stream()
  await turn()
  return both
}

/** Outcome of `closed`; `pending` after 8 s, which is less than any timeout that would settle it. */
function outcome(stream: PeerStream): Promise<unknown> {
  const closed = stream.closed.then(
    () => 'resolved',
    error => ({ code: error.code, errorCode: error.errorCode })
  )
  return Promise.race([closed, new Promise(resolve => setTimeout(resolve, 8000, 'pending'))])
}

test('closed settles when the peer stops an unused stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const closed = outcome(mine)
  theirs.stop(7)
  t.deepEqual(await closed, { code: 'ERR_STREAM_STOPPED', errorCode: 7 })
  await t.throwsAsync(mine.write('x'), { code: 'ERR_STREAM_STOPPED' })
})

test('closed settles if first read after the peer stopped', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  theirs.stop(8)
  await turn()
  t.deepEqual(await outcome(mine), { code: 'ERR_STREAM_STOPPED', errorCode: 8 })
})

test('closed settles while a read is pending, and the read continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const reading = mine.read()
  const closed = outcome(mine)
  theirs.stop(9)
  t.deepEqual(await closed, { code: 'ERR_STREAM_STOPPED', errorCode: 9 })
  await theirs.finish('still')
  t.is(Buffer.from((await reading) as Uint8Array).toString(), 'still')
})

test('closed settles when the peer closes the connection, and received data stays readable', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const closed = outcome(mine)
  await theirs.write('before')
  // The answer arrives after the written data.
  await peers.server.ping(peers.client.address())
  theirs.connection.close(5, 'enough')
  t.deepEqual(await closed, { code: 'ERR_CONNECTION_LOST', errorCode: 5 })
  t.is(Buffer.from((await mine.read()) as Uint8Array).toString(), 'before')
  await t.throwsAsync(mine.read(), { code: 'ERR_CONNECTION_LOST' })
})

test('received data stays readable after a write has found the connection lost', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  await theirs.write('before')
  // The answer arrives after the written data.
  await peers.server.ping(peers.client.address())
  const { closed } = mine.connection
  theirs.connection.close(5, 'enough')
  await closed
  await t.throwsAsync(mine.write('x'), { code: 'ERR_CONNECTION_LOST' })
  t.is(Buffer.from((await mine.read()) as Uint8Array).toString(), 'before')
  await t.throwsAsync(mine.read(), { code: 'ERR_CONNECTION_LOST' })
})

test('closed settles when this endpoint closes', async t => {
  const peers = await pair()
  const [mine] = await streams(peers)
  const closed = outcome(mine)
  await peers[Symbol.asyncDispose]()
  t.like(await closed, { code: 'ERR_CLOSED' })
})

test('closed settles when the peer refuses a stream opened with ack later', async t => {
  await using peers = await pair()
  peers.server.listen({ Http: () => {} })
  const stream = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  t.like(await outcome(stream), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('a handler that has read its request is notified when its caller disconnects', async t => {
  await using peers = await pair()
  const left = new Promise<unknown>((resolve, reject) => {
    peers.server.listen({
      Http: async stream => {
        await readAll(stream)
        resolve(await outcome(stream))
      }
    })
    setTimeout(reject, 20_000, new Error('never'))
  })
  const stream = await peers.client.getStream(peers.server.address(), 'Http')
  await stream.finish('request')
  await turn()
  await stream[Symbol.asyncDispose]()
  t.deepEqual(await left, { code: 'ERR_STREAM_STOPPED', errorCode: 0 })
})

test('closed resolves when the stream is finished and read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const closed = outcome(mine)
  await mine.finish('all')
  t.is((await readAll(theirs)).toString(), 'all')
  t.is(await closed, 'resolved')
  // The next stream in the same slot has its own wait.
  const [again, other] = await streams(peers)
  const next = outcome(again)
  other.stop(3)
  t.deepEqual(await next, { code: 'ERR_STREAM_STOPPED', errorCode: 3 })
})

test('closed of a delivered stream resolves if first read after the connection ended', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  await mine.finish('all of it')
  t.is((await readAll(theirs)).toString(), 'all of it')
  await theirs.finish('thanks')
  t.is((await readAll(mine)).toString(), 'thanks')
  // The ping's packets carry the QUIC acknowledgements of both sides.
  await peers.client.ping(peers.server.address())
  await peers.server.ping(peers.client.address())
  const ended = mine.connection.closed
  theirs.connection.close(5, 'enough')
  await ended
  await turn()
  t.is(await outcome(mine), 'resolved')
  t.is(await outcome(theirs), 'resolved')
})

for (const [name, code, end] of [
  ['this endpoint has closed', 'ERR_CLOSED', ({ client }: Pair) => client.close()],
  ['the peer has closed its endpoint', 'ERR_CONNECTION_LOST', ({ server }: Pair) => server.close()],
  ['the connection was closed', 'ERR_CONNECTION_LOST', (_: Pair, mine: PeerStream) => mine.connection.close()]
] as const)
  test(`finish and closed reject once ${name}, though nothing was left to write`, async t => {
    await using peers = await pair()
    const [mine] = await streams(peers)
    await mine.write(new Uint8Array(1_000_000))
    const lost = mine.connection.closed
    await end(peers, mine)
    await lost
    await t.throwsAsync(mine.finish(), { code })
    t.like(await outcome(mine), { code })
  })

test('a handler whose caller disconnected before it returned has not failed', async t => {
  await using peers = await pair()
  const failures: unknown[] = []
  const returned = new Promise<void>((resolve, reject) => {
    const handler = async (stream: PeerStream) => {
      await stream.write('answer')
      await stream.connection.closed
      setTimeout(resolve, 100)
    }
    peers.server.listen({ Http: handler }, { onError: error => void failures.push(error) }).closed.catch(reject)
  })
  const stream = await peers.client.getStream(peers.server.address(), 'Http')
  await stream.read()
  stream.connection.close()
  await returned
  t.deepEqual(failures, [])
})

test('closed rejects if the connection ended before a stream with ack later was sent', async t => {
  await using peers = await pair()
  // Keeps a connection, so that the stream opens at once.
  await peers.stream()
  const stream = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  const { closed } = stream.connection
  stream.connection.close()
  await closed
  // Resolves if the connection's task still exists and takes the request.
  await stream.finish('request').catch(error => t.is(error.code, 'ERR_CONNECTION_LOST'))
  t.like(await outcome(stream), { code: 'ERR_CONNECTION_LOST' })
})

test('an endpoint that closes opens no stream, not even on a live connection', async t => {
  await using peers = await pair()
  const [mine] = await streams(peers)
  const { connection } = mine
  const closing = peers.client.close()
  await t.throwsAsync(connection.openBi(Echo, { ack: 'later' }), { code: 'ERR_CLOSED' })
  await t.throwsAsync(peers.client.getStream(peers.server.address(), Echo, { ack: 'later' }), { code: 'ERR_CLOSED' })
  await closing
})
