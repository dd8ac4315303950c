// Many exchanges, streams and connections. All stay referenced, so that garbage collection cannot help.
import test from 'ava'
import { type Connection, getEndpoint, type PeerStream, Protocol, SecretKey } from 'fastn-net'
import { pair } from '../helpers/pair.js'

const Line = Protocol.generic('Line')

/** A server that answers one line per stream. It keeps all streams referenced. */
async function answering() {
  const pair_ = await pair()
  const kept: PeerStream[] = []
  const listener = pair_.server.listen([
    [
      Line,
      async stream => {
        kept.push(stream)
        await stream.write(`${await stream.nextString()}\n`)
      }
    ]
  ])
  return {
    ...pair_,
    kept,
    async [Symbol.asyncDispose]() {
      await pair_[Symbol.asyncDispose]()
      await listener.closed
    }
  }
}

/** Waits until only the held connection objects use the connection. */
async function idle(connection: Connection, views: number): Promise<void> {
  while (connection.stats().streams > views) await new Promise(resolve => setTimeout(resolve, 10))
}

for (const ack of ['now', 'later'] as const) {
  test(`10,000 exchanges without disposal, ack ${ack}`, async t => {
    await using both = await answering()
    const peer = both.server.address()
    const connections = both.server.accept()
    const view = await both.client.connect(peer)
    const { value: theirView } = await connections.next()
    for (let count = 0; count < 10_000; count++) {
      const stream = await both.client.getStream(peer, Line, { ack })
      both.kept.push(stream)
      // FIN, which follows the line, stays unread.
      await stream.finish(`line ${count}\n`)
      if ((await stream.nextString()) !== `line ${count}`) t.fail()
    }
    t.is(both.kept.length, 20_000)
    await idle(view, 1)
    await idle(theirView!, 1)
  })
}

test('10,000 concurrent exchanges, 200 at a time', async t => {
  await using both = await answering()
  const peer = both.server.address()
  let next = 0
  const one = async () => {
    while (next < 10_000) {
      const line = `line ${next++}`
      const stream = await both.client.getStream(peer, Line, { ack: 'later' })
      both.kept.push(stream)
      await stream.finish(`${line}\n`)
      if ((await stream.nextString()) !== line) t.fail()
    }
  }
  await Promise.all(Array.from({ length: 200 }, one))
  t.is(both.kept.length, 20_000)
  await idle(await both.client.connect(peer), 1)
})

test('1,000 open streams, used in turn', async t => {
  await using both = await pair()
  const streams = await Promise.all(Array.from({ length: 1000 }, () => both.stream()))
  // Not a new handle, which may be of another connection if this one was found unresponsive.
  const view = streams[0]![0].connection
  t.is(view.stats().streams, 1000)
  // The two lists may differ in order: each stream sends its index.
  const byId = new Map(streams.map(([, theirs]) => [theirs.id, theirs]))
  t.is(byId.size, 1000)
  for (let round = 0; round < 3; round++) {
    await Promise.all(streams.map(([mine], at) => mine.write(`${round} ${at}\n`)))
    const lines = await Promise.all(streams.map(([mine]) => byId.get(mine.id)!.nextString()))
    t.deepEqual(
      lines,
      streams.map((_, at) => `${round} ${at}`)
    )
  }
  await Promise.all(
    streams.map(async ([mine]) => {
      const theirs = byId.get(mine.id)!
      await Promise.all([mine.finish(), theirs.finish()])
      t.is(await mine.read(), null)
      t.is(await theirs.read(), null)
    })
  )
  await idle(view, 0)
})

test("streams beyond the peer's limit wait for a slot", async t => {
  await using both = await pair({ maxStreams: 16 })
  const peer = both.server.address()
  const incoming = both.server.acceptBi(Line)
  const opening = Array.from({ length: 200 }, async () => {
    const stream = await both.client.getStream(peer, Line)
    await stream.finish('hello\n')
    return await stream.nextString()
  })
  for (let count = 0; count < 200; count++) {
    const { value: stream } = await incoming.next()
    await stream!.finish(`${await stream!.nextString()}\n`)
  }
  t.deepEqual(new Set(await Promise.all(opening)), new Set(['hello']))
})

test('100 concurrent connections', async t => {
  await using both = await answering()
  const peer = both.server.address()
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => getEndpoint(SecretKey.generate(), { network: 'loopback' }))
  )
  const lines = await Promise.all(
    clients.map(async (client, at) => {
      const stream = await client.getStream(peer, Line)
      await stream.finish(`${at}\n`)
      return await stream.nextString()
    })
  )
  t.deepEqual(
    lines,
    clients.map((_, at) => String(at))
  )
  t.is(new Set(both.kept.map(stream => stream.remoteId52)).size, 100)
  await Promise.all(clients.map(client => client.close()))
})
