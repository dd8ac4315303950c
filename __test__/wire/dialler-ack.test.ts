// We dial, and a raw peer accepts and does not acknowledge every stream. Streams that wait for the ack, and streams that do not.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import {
  alpns,
  behindRefusal,
  type Dialler,
  dialler,
  echo,
  echoLine,
  endpointFor,
  failure,
  opened,
  opening,
  ownCode,
  rawPeerFor
} from '../helpers/wire.js'
import type { RawStream } from '../iroh/raw-peer.js'

/** Milliseconds. Long enough for an acknowledgement on a busy machine. */
const ackTimeout = 1500

async function openedLater(dialler: Dialler): Promise<[PeerStream, RawStream]> {
  const [opens, theirs] = await opening(dialler, echo, { ack: 'later' })
  return [await opens, theirs]
}

for (const alpn of alpns) {
  test(`${alpn}: an unacked stream fails its pending and later calls`, async t => {
    const dialler_ = await dialler(t, alpn, { ackTimeout })
    const [ours, theirs] = await openedLater(dialler_)
    await ours.write('hello\n')
    const waiting = [ours.nextString(), ours.write(new Uint8Array(64 * 1024 * 1024)), ours.finish('end'), ours.closed]
    for (const call of waiting) call.catch(() => {})
    for (const call of waiting) {
      const error = await failure(call)
      t.like(error, { code: 'ERR_ACK_TIMEOUT', peer: dialler_.peer.id52, protocol: echo })
      t.regex(error.message, /within 1\.5 s/)
    }
    for (const call of [ours.read(), ours.write('x'), ours.finish(), ours.nextString(), ours.closed])
      t.like(await failure(call), { code: 'ERR_ACK_TIMEOUT' })
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
    t.is(await theirs.stopped(), ownCode(alpn, 0x101))
    const [again, raw] = await opened(await behindRefusal(dialler_))
    await raw.finish('hello\n')
    t.is(await again.nextString(), 'hello')
  })

  test(`${alpn}: an unacked, finished stream fails the wait for its answer in time`, async t => {
    const dialler_ = await dialler(t, alpn, { ackTimeout })
    const [ours, theirs] = await openedLater(dialler_)
    await ours.finish('request\n')
    t.is(await theirs.rest(), `${echoLine}request\n`)
    t.like(await failure(ours.read()), { code: 'ERR_ACK_TIMEOUT' })
    t.is(await theirs.stopped(), ownCode(alpn, 0x101))
  })

  test(`${alpn}: a partial ack is not an ack`, async t => {
    const dialler_ = await dialler(t, alpn, { ackTimeout })
    const [ours, theirs] = await openedLater(dialler_)
    await theirs.write('ac')
    t.like(await failure(ours.read()), { code: 'ERR_ACK_TIMEOUT' })
  })
}

test('the ack deadline leaves acked and ended streams alone, read or not', async t => {
  const dialler_ = await dialler(t, '/fastn-net/1', { ackTimeout })
  const [read, readRaw] = await openedLater(dialler_)
  const line = read.nextString()
  const [held, heldRaw] = await openedLater(dialler_)
  const [silent, silentRaw] = await openedLater(dialler_)
  const [stopped] = await openedLater(dialler_)
  stopped.stop()
  await readRaw.write('ack\n')
  await heldRaw.write('ack\nhel')
  await silentRaw.write('ack\n')
  // No older stream has time left when this one fails.
  const [never] = await openedLater(dialler_)
  t.like(await failure(never.read()), { code: 'ERR_ACK_TIMEOUT' })
  await readRaw.finish('hello\n')
  await heldRaw.finish('lo\n')
  await silentRaw.finish()
  t.is(await line, 'hello')
  t.is(await held.nextString(), 'hello')
  t.is(await held.read(), null)
  t.is(await silent.read(), null)
  await stopped.write('who does not read cannot know')
})

test('many unacked streams end in time', async t => {
  const dialler_ = await dialler(t, '/fastn-net/1', { ackTimeout })
  const streams = await Promise.all(
    Array.from({ length: 99 }, () => dialler_.endpoint.getStream(dialler_.peer.address, echo, { ack: 'later' }))
  )
  const failures = await Promise.all(streams.map(stream => failure(stream.read())))
  for (const error of failures) t.like(error, { code: 'ERR_ACK_TIMEOUT' })
})

test('an older peer that ignores a stream is redialled for the next, and running streams continue', async t => {
  for (const ack of ['now', 'later'] as const) {
    const dialler_ = await dialler(t, '/fastn/entity/0.1', { ackTimeout })
    const { endpoint, peer, connection, raw } = dialler_
    const [running, runningRaw] = await opened(dialler_)
    const asked = endpoint.getStream(peer.address, echo, { ack }).then(stream => stream.read())
    asked.catch(() => {})
    await raw.accept()
    t.like(await failure(asked), { code: 'ERR_ACK_TIMEOUT' })
    const accepting = peer.accept()
    const opens = endpoint.getStream(peer.address, echo, { ack })
    const theirs = await (await accepting).accept()
    await theirs.finish('ack\nhello\n')
    t.is(await (await opens).nextString(), 'hello')
    await runningRaw.write('still here\n')
    t.is(await running.nextString(), 'still here')
    // No stream begins on the old connection, not even by a holder of it.
    t.like(await failure(connection.openBi(echo)), { code: 'ERR_CONNECTION_LOST' })
    await running.finish()
    await runningRaw.finish()
    t.is(await running.read(), null)
    await connection[Symbol.asyncDispose]()
    t.regex(await raw.closed(), /code 0\b/)
  }
})

test('an older peer that refuses each stream is dialled for each', async t => {
  const endpoint = await endpointFor(t)
  const peer = await rawPeerFor(t, '/fastn/entity/0.1')
  for (let count = 0; count < 20; count++) {
    const accepting = peer.accept()
    const opens = endpoint.getStream(peer.address, echo)
    opens.catch(() => {})
    const raw = await accepting
    await (await raw.accept()).finish()
    t.like(await failure(opens), { code: 'ERR_REFUSED' })
    t.regex(await raw.closed(), /code 0\b/)
  }
})
