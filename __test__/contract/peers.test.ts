import test from 'ava'
import { type Endpoint, getEndpoint, type PeerInfo, SecretKey } from 'fastn-net'
import { Echo, keepAlive, pair, turn } from '../helpers/pair.js'

/** Takes changes until one matches. The timer keeps the process alive, because waiting for a change does not. */
async function until(changes: AsyncIterator<PeerInfo>, is: (info: PeerInfo) => boolean): Promise<PeerInfo> {
  const alive = setInterval(() => {}, 1000)
  try {
    for (;;) {
      const { done, value } = await changes.next()
      if (done) throw new Error('the watch ended before')
      if (is(value)) return value
    }
  } finally {
    clearInterval(alive)
  }
}

const only = (endpoint: Endpoint) => endpoint.peers()[0] as PeerInfo

test('peers() returns state, connections, paths and counters of each peer', async t => {
  await using peers = await pair()
  t.deepEqual(peers.client.peers(), [])
  const [mine, theirs] = await peers.stream()
  await mine.write(new Uint8Array(10_000))
  await theirs.read()
  for (const [endpoint, other, dialled] of [
    [peers.client, peers.server, true],
    [peers.server, peers.client, false]
  ] as const) {
    // A stream may be served a moment before its peer is listed as connected.
    await until(endpoint.watch(), info => info.state === 'connected')
    const infos = endpoint.peers()
    t.is(infos.length, 1)
    const info = only(endpoint)
    t.is(info.id52, other.id52)
    t.true(info.tracked)
    t.is(info.state, 'connected')
    t.is(info.lastError, null)
    t.is(info.nextRetry, null)
    t.is(info.attempts, 0)
    t.false(info.kept)
    const [connection] = info.connections
    t.is(info.connections.length, 1)
    t.is(connection?.alpn, '/fastn-net/1')
    t.is(connection?.dialled, dialled)
    t.true(connection?.preferred)
    t.is(connection?.stats.streams, 1)
    t.true((connection?.stats[dialled ? 'bytesSent' : 'bytesReceived'] ?? 0) > 10_000)
    const selected = connection?.paths.find(path => path.selected)
    t.regex(selected?.address ?? '', /^127\.0\.0\.1:\d+$/)
    t.false(selected?.relay)
    t.true((selected?.rtt ?? -1) >= 0)
  }
})

test('peers() is a snapshot, ordered by ID52', async t => {
  const others = await Promise.all([1, 2, 3].map(() => getEndpoint(SecretKey.generate(), { network: 'loopback' })))
  await using one = await getEndpoint(SecretKey.generate(), {
    network: { bind: ['127.0.0.1:0'], peers: others.map(other => other.address()) }
  })
  const infos = one.peers()
  t.deepEqual(
    infos.map(info => info.id52),
    others.map(other => other.id52).toSorted()
  )
  t.true(infos.every(info => info.state === 'idle' && info.connections.length === 0))
  await Promise.all(others.map(other => other.close()))
})

test('watch() yields every tracked peer, then each change', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi(Echo)
  await peers.client.connect(peers.server.address())
  // By now the server has the connection, not just the handshake.
  await peers.client.ping(peers.server.address())
  const changes = peers.client.watch()
  const { value: first } = await changes.next()
  t.is(first?.id52, peers.server.id52)
  t.is(first?.state, 'connected')
  await peers.server.close()
  const lost = await until(changes, info => info.state !== 'connected')
  t.deepEqual([lost.id52, lost.tracked, lost.connections], [peers.server.id52, true, []])
  await incoming.return()
  await changes.return()
})

test('watch() shows a dial from start to failure, with its error', async t => {
  await using peers = await pair({ connect: { attemptTimeout: 300 } })
  const gone = peers.server.address()
  await peers.server.close()
  const changes = peers.client.watch()
  const dialling = t.throwsAsync(peers.client.connect(gone, { timeout: 1000 }), { code: 'ERR_UNREACHABLE' })
  const begun = await until(changes, info => info.state === 'dialling')
  t.is(begun.id52, gone.id52)
  const failed = await until(changes, info => info.lastError !== null)
  t.is(failed.lastError?.code, 'ERR_UNREACHABLE')
  t.is(failed.lastError?.peer, gone.id52)
  t.true(failed.attempts > 0)
  t.is(failed.nextRetry === null, failed.state !== 'backing-off')
  await dialling
  await changes.return()
})

test('a slow consumer gets the latest snapshot of each peer, once', async t => {
  using _alive = keepAlive()
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const incoming = server.acceptBi(Echo)
  const slow = server.watch()
  const clients = await Promise.all([1, 2, 3].map(() => getEndpoint(SecretKey.generate(), { network: 'loopback' })))
  for (let round = 0; round < 20; round++) {
    for (const client of clients) {
      const connection = await client.connect(server.address())
      connection.close()
      await connection.closed
      await connection[Symbol.asyncDispose]()
    }
  }
  await Promise.all(clients.map(client => client.connect(server.address())))
  const all = new Map<string | undefined, string | undefined>()
  let count = 0
  await until(slow, ({ id52, state }) => {
    all.set(id52, state)
    count++
    return all.size === clients.length && [...all.values()].every(state => state === 'connected')
  })
  t.deepEqual(Array.from(all.keys()).sort(), clients.map(client => client.id52).sort())
  // There were at least 120 changes. Peers that changed while they were taken may be yielded again.
  t.true(count < 30, `${count} changes were given`)
  await Promise.all([slow.return(), incoming.return(), ...clients.map(client => client.close())])
})

test('a forgotten peer is yielded once more, and is no longer in peers()', async t => {
  await using peers = await pair({ idleTimeout: 300 })
  const changes = peers.server.watch()
  const incoming = peers.server.acceptBi(Echo)
  await peers.client.connect(peers.server.address())
  const there = await until(changes, info => info.state === 'connected')
  t.is(there.id52, peers.client.id52)
  await peers.client.close()
  const gone = await until(changes, info => !info.tracked)
  t.deepEqual([gone.id52, gone.state, gone.connections], [peers.client.id52, 'idle', []])
  t.deepEqual(peers.server.peers(), [])
  await incoming.return()
  await changes.return()
})

test('the signal, return() and close() end watch() without an error', async t => {
  await using peers = await pair()
  await peers.stream()
  const controller = new AbortController()
  const endings: [AsyncIterableIterator<PeerInfo>, () => unknown][] = []
  const bySignal = peers.client.watch({ signal: controller.signal })
  endings.push([bySignal, () => controller.abort()])
  const byReturn = peers.client.watch()
  endings.push([byReturn, () => byReturn.return()])
  const byClose = peers.client.watch()
  endings.push([byClose, () => peers.client.close()])
  for (const [changes, end] of endings) {
    t.is((await changes.next()).value?.id52, peers.server.id52)
    const waiting = [changes.next(), changes.next()]
    await turn()
    await end()
    const ended = await Promise.all(waiting)
    for (const { done, value } of ended) t.true(done === true || !value.tracked)
    t.true((await changes.next()).done)
  }
  for await (const _ of peers.client.watch({ signal: AbortSignal.abort() })) t.fail()
  t.throws(() => peers.client.watch(), { code: 'ERR_CLOSED' })
  t.deepEqual(peers.client.peers(), [])
})

test('rejects an invalid signal', async t => {
  await using peers = await pair()
  t.throws(() => peers.client.watch({ signal: 'now' as never }), { code: 'ERR_INVALID_ARGUMENT' })
})
