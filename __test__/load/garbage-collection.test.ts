// Endpoints and loops that are garbage-collected without being closed.
import test from 'ava'
import { type Endpoint, getEndpoint, type PeerStream, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native/addon.js'
import { collectUntil, recordWarnings } from './support/collect.js'

const options = { network: 'loopback' } as const

test.serial('a collected endpoint closes and notifies its peers at once', async t => {
  const server = await getEndpoint(SecretKey.generate(), options)
  const connections = server.accept()
  const before = native().handleCount()
  await (async () => {
    const dropped = await getEndpoint(SecretKey.generate(), options)
    await dropped.ping(server.address())
  })()
  const { value: connection } = await connections.next()
  let ended: { code: number | bigint; by: string } | undefined
  void connection!.closed.then(closed => {
    ended = closed
  })
  t.true(await collectUntil(() => ended !== undefined))
  t.like(ended, { code: 0x103, by: 'peer' })
  await connection![Symbol.asyncDispose]()
  t.true(await collectUntil(() => native().handleCount() <= before + 1), `${before}, ${native().handleCount()}`)
  await server.close()
})

async function queued(client: Endpoint, server: Endpoint, count: number): Promise<PeerStream[]> {
  return await Promise.all(Array.from({ length: count }, () => client.getStream(server.address(), 'Tcp')))
}

test.serial('leaving a loop resets its queued streams with code 0', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  const streams = await queued(client, server, 60)
  for await (const stream of incoming) {
    await stream.finish('taken\n')
    break
  }
  const outcomes = await Promise.all(
    streams.map(stream => stream.nextString().catch((error: { code: string; errorCode?: number }) => error))
  )
  t.is(outcomes.filter(outcome => outcome === 'taken').length, 1)
  const others = outcomes.filter(outcome => typeof outcome !== 'string')
  t.is(others.length, 59)
  for (const outcome of others) t.like(outcome, { code: 'ERR_STREAM_RESET', errorCode: 0 })
  await Promise.all([client.close(), server.close()])
})

test.serial('a loop collected while it serves resets its streams and warns', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const warnings = recordWarnings(t)
  const streams = await (async () => {
    const incoming = server.acceptBi('Tcp')
    const opened = await queued(client, server, 60)
    await incoming.next()
    return opened
  })()
  let ended = 0
  for (const stream of streams)
    void stream.read().then(
      () => ended++,
      () => ended++
    )
  t.true(await collectUntil(() => ended === 60), `${ended} of 60 ended`)
  t.true(await collectUntil(() => warnings.length > 0))
  t.is(warnings[0]!.code, 'ERR_LISTENER_DROPPED')
  await t.throwsAsync(client.getStream(server.address(), 'Tcp'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  await Promise.all([client.close(), server.close()])
})

test.serial('a loop that ended with its endpoint is collected without a warning', async t => {
  const warnings = recordWarnings(t)
  const before = native().handleCount()
  await (async () => {
    const server = await getEndpoint(SecretKey.generate(), options)
    server.acceptBi('Tcp')
    await server.close()
  })()
  t.true(await collectUntil(() => native().handleCount() <= before))
  t.deepEqual(warnings, [])
})

test.serial('1,100 peers used in turn stay tracked', async t => {
  const endpoint = await getEndpoint(SecretKey.generate(), options)
  const before = native().handleCount()
  const peers = Array.from({ length: 1100 }, () => SecretKey.generate().id52)
  const reason = new Error('not wanted')
  for (const peer of peers) {
    const controller = new AbortController()
    const asked = endpoint.ping(peer, { signal: controller.signal })
    controller.abort(reason)
    await t.throwsAsync(asked, { is: reason })
  }
  t.is(native().handleCount() - before, peers.length)
  await endpoint.close()
})

test.serial('dropped streams are collected although their web streams watch for the peer', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  const open = async () => {
    const [mine, theirs] = await Promise.all([client.getStream(server.address(), 'Tcp'), incoming.next()])
    return [mine, theirs.value as PeerStream] as const
  }
  const theirs: PeerStream[] = []
  await (async () => {
    for (let count = 0; count < 8; count++) {
      const [mine, other] = await open()
      theirs.push(other)
      t.truthy(mine.readable)
      t.truthy(mine.writable)
    }
  })()
  const outcomes: { code?: string }[] = []
  for (const stream of theirs) void stream.read().catch(error => outcomes.push(error))
  t.true(await collectUntil(() => outcomes.length === theirs.length), `${outcomes.length}`)
  for (const outcome of outcomes) t.is(outcome.code, 'ERR_STREAM_RESET')
  // Streams with the handles of the collected ones are watched too. A watch does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  const kept: PeerStream[] = []
  for (let count = 0; count < 8; count++) {
    const [mine, other] = await open()
    kept.push(mine, other)
    const { closed } = mine.writable.getWriter()
    const read = mine.read()
    await other.write('read')
    t.is(Buffer.from((await read) ?? []).toString(), 'read')
    other.stop(7)
    await t.throwsAsync(closed, { code: 'ERR_STREAM_STOPPED' })
  }
  t.is(kept.length, 16)
  await Promise.all([client.close(), server.close()])
})

test.serial('streams that are dropped at different times are all reset', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  for (let round = 0; round < 3; round++) {
    const opening = (async () => void (await client.getStream(server.address(), 'Tcp')))()
    const [, { value: stream }] = await Promise.all([opening, incoming.next()])
    let outcome: { errorCode?: number | bigint } | undefined
    void stream!.read().catch(error => {
      outcome = error
    })
    t.true(await collectUntil(() => outcome !== undefined))
    t.is(outcome!.errorCode, 0x103)
  }
  await Promise.all([client.close(), server.close()])
})
