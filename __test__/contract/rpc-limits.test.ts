// Limits of requests, hostile messages, and repetitions.
import { setTimeout as sleep } from 'node:timers/promises'
import ava from 'ava'
import { getEndpoint, type Items, type RequestContext, SecretKey } from 'fastn-net'
import { each, failureOf, gate, requestPair } from '../helpers/requests.js'

// Some tests keep a processor busy for seconds, longer than calls of other tests wait.
const test = ava.serial

const MiB = 1024 * 1024

test('a message has at most maxBytes, on each side and in each direction', async t => {
  const { client, server, peer } = await requestPair(t)
  const text = (bytes: number) => 'x'.repeat(bytes)
  server.serve('size', (input: string) => input.length, { maxBytes: 100_000 })
  server.serve('make', (bytes: number) => text(bytes), { maxBytes: 100_000, onError: () => {} })
  t.is(await client.call(peer, 'size', text(99_000)), 99_000)
  const tooLong = { code: 'ERR_LINE_TOO_LONG' }
  t.like(await failureOf(client.call(peer, 'size', text(100_001))), { ...tooLong, remoteCode: 'too-large' })
  t.like(await failureOf(client.call(peer, 'size', text(5 * MiB))), { ...tooLong, remoteCode: 'too-large' })
  t.like(await failureOf(client.call(peer, 'size', text(1_000), { maxBytes: 500 })), { ...tooLong, phase: 'call' })
  t.like(await failureOf(client.call(peer, 'make', 99_000, { maxBytes: 50_000 })), tooLong)
  t.like(await failureOf(client.call(peer, 'make', 100_001)), { code: 'ERR_REMOTE', remoteCode: 'ERR_LINE_TOO_LONG' })
  t.is(await client.call(peer, 'size', text(1)), 1)
})

test('by default a message may have 16 MiB', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('size', (input: string) => input.length)
  const most = 16 * MiB - '{"timeout":60000,"input":""}'.length
  t.is(await client.call(peer, 'size', 'x'.repeat(most), { timeout: 60_000 }), most)
  const over = client.call(peer, 'size', 'x'.repeat(16 * MiB), { timeout: 60_000 })
  t.is((await failureOf(over)).code, 'ERR_LINE_TOO_LONG')
})

test('a peer has at most maxRequestsPerPeer requests in progress', async t => {
  const { client, server, peer } = await requestPair(t)
  const release = gate()
  const started = gate()
  let running = 0
  const handler = async () => {
    if (++running === 2) started.open()
    await release.opened
    return 'done'
  }
  server.serve('wait', handler, { maxRequestsPerPeer: 2 })
  const first = [client.call(peer, 'wait'), client.call(peer, 'wait')]
  await started.opened
  const busy = await failureOf(client.call(peer, 'wait'))
  t.like(busy, { code: 'ERR_BUSY', remoteCode: 'busy' })
  t.regex(busy.message, /2 requests in progress.*maxRequestsPerPeer: retry later/)

  const other = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  t.teardown(() => other.close())
  const second = other.call(peer, 'wait')
  release.open()
  t.deepEqual(await Promise.all([...first, second]), ['done', 'done', 'done'])
  t.is(await client.call(peer, 'wait'), 'done', 'their places are free again')
})

test('the long requests of a peer take at most maxBytesPerPeer', async t => {
  const { client, server, peer } = await requestPair(t)
  const release = gate()
  const started = gate()
  const handler = async (input: string) => {
    started.open()
    await release.opened
    return input.length
  }
  server.serve('keep', handler, { maxBytesPerPeer: 3 * MiB, maxBytes: 2 * MiB })
  const long = 'x'.repeat(1.5 * MiB)
  const first = client.call(peer, 'keep', long)
  await started.opened
  t.like(await failureOf(client.call(peer, 'keep', long)), { code: 'ERR_BUSY', remoteCode: 'busy' })
  const short = client.call(peer, 'keep', 'short')
  release.open()
  t.is(await first, 1.5 * MiB)
  t.is(await short, 5)
  t.is(await client.call(peer, 'keep', long), 1.5 * MiB, 'the memory is free again')
})

const manyObjects = (count: number) => Array.from({ length: count }, () => ({}))

test('a message is refused before it is parsed if it would take too much memory', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('count', (input: object[]) => input.length, { maxBytesPerPeer: MiB })
  // 30 KB and 60 KB as JSON, and 22 times as much as objects.
  t.is(await client.call(peer, 'count', manyObjects(10_000)), 10_000)
  const tooLong = { code: 'ERR_LINE_TOO_LONG', message: /of memory once parsed, and 1048576 are allowed/ }
  await t.throwsAsync(client.call(peer, 'count', manyObjects(20_000)), tooLong)
  // Text takes no more memory than its length, regardless of its content.
  t.is(await client.call(peer, 'count', ['\\"{},'.repeat(100_000)]), 1)
})

test('an item is refused before it is parsed, and the memory of requests adds up', async t => {
  const { client, server, peer } = await requestPair(t)
  const failures: unknown[] = []
  server.serve(
    'items',
    async (items: AsyncIterable<object[]>) => {
      try {
        for await (const _ of items);
      } catch (error) {
        failures.push(error)
      }
    },
    { maxBytesPerPeer: MiB }
  )
  await client.call(peer, 'items', each([manyObjects(10_000), manyObjects(10_000), manyObjects(20_000)]))
  t.like(failures, [{ code: 'ERR_LINE_TOO_LONG' }])

  const [started, release] = [gate(), gate()]
  const keep = async (input: object[]) => {
    started.open()
    await release.opened
    return input.length
  }
  server.serve('keep', keep, { maxBytesPerPeer: MiB })
  const first = client.call(peer, 'keep', manyObjects(10_000))
  await started.opened
  t.like(await failureOf(client.call(peer, 'keep', manyObjects(10_000))), { code: 'ERR_BUSY' })
  release.open()
  t.is(await first, 10_000)
})

test('an item has at most maxBytes', async t => {
  const { client, server, peer } = await requestPair(t)
  const failed = gate<unknown>()
  server.serve(
    'count',
    async (items: AsyncIterable<string>) => {
      let count = 0
      try {
        for await (const _ of items) count++
      } catch (error) {
        failed.open(error)
        throw error
      }
      return count
    },
    { maxBytes: 100_000 }
  )
  t.is(await client.call(peer, 'count', each(['a'.repeat(90_000), 'b'.repeat(90_000)])), 2)
  t.is((await failureOf(client.call(peer, 'count', each(['a', 'b'.repeat(200_000)])))).code, 'ERR_REMOTE')
  t.like(await failed.opened, { code: 'ERR_LINE_TOO_LONG' })
})

test('keys of a message do not pollute prototypes', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('same', (input: unknown) => input)
  const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')
  t.is(JSON.stringify(await client.call(peer, 'same', hostile)), JSON.stringify(hostile))
  t.false('polluted' in {})
})

test('deeply nested messages get an answer or an error', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('same', (input: unknown) => input, { onError: () => {} })
  const depth = 1_000_000
  const stream = await client.getStream(peer, 'same')
  await stream.finish(`{"input":${'['.repeat(depth)}${']'.repeat(depth)}}\n`)
  t.regex(await stream.nextString(), /^\{"(?:ok|error)":/)
  t.is(await client.call(peer, 'same', 1), 1)
})

test('a caller that sends no request occupies only its own slots, and releases them', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('one', () => 1, { maxRequestsPerPeer: 1 })
  const silent = await client.getStream(peer, 'one')
  t.is((await failureOf(client.call(peer, 'one'))).code, 'ERR_BUSY')
  silent.reset()
  silent.stop()
  for (;;) {
    const answer = await client.call<number>(peer, 'one').catch(() => 0)
    if (answer === 1) break
    await sleep(10)
  }
  t.pass()
})

test('a handler that never returns delays neither other requests nor close', async t => {
  const { client, server, peer } = await requestPair(t)
  const started = gate()
  server.serve('never', () => {
    started.open()
    return new Promise(() => {})
  })
  server.serve('one', () => 1)
  const never = client.call(peer, 'never')
  never.catch(() => {})
  await started.opened
  t.is(await client.call(peer, 'one'), 1)
  await server.close()
  t.true(['ERR_CONNECTION_LOST', 'ERR_SHUTTING_DOWN', 'ERR_STREAM_RESET'].includes((await failureOf(never)).code))
})

test('1,000 aborted calls release everything', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve(
    'wait',
    (_: unknown, { signal }: RequestContext) => new Promise(resolve => signal.addEventListener('abort', resolve))
  )
  server.serve('one', () => 1)
  const reason = new Error('enough')
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController()
    const calls = Array.from({ length: 50 }, () =>
      client.call(peer, 'wait', 1, { signal: controller.signal }).catch((error: unknown) => error)
    )
    await client.call(peer, 'one')
    controller.abort(reason)
    for (const outcome of await Promise.all(calls)) t.is(outcome, reason as never)
  }
  // 256 requests in progress are the limit: all slots are free again.
  t.is(await client.call(peer, 'one'), 1)
})

test('a request that a handler may have seen is repeated only if it is idempotent', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.listen({
    async lost(stream) {
      await stream.nextString()
      // The first handler closes its connection.
      if (++calls % 2 === 1) stream.connection.close(0, 'lost')
      else await stream.write('{"ok":"second"}\n')
    }
  })
  t.is((await failureOf(client.call(peer, 'lost'))).code, 'ERR_CONNECTION_LOST')
  t.is(calls, 1)
  calls = 0
  // A busy machine may need more than the default of 10 s.
  t.is(await client.call(peer, 'lost', 1, { idempotent: true, timeout: 60_000 }), 'second')
  t.is(calls, 2)
})

test('a request for items is never repeated', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.listen({
    async lost(stream) {
      await stream.nextString()
      calls++
      stream.connection.close(0, 'lost')
    }
  })
  t.is((await failureOf(client.call(peer, 'lost', each([1]), { idempotent: true }))).code, 'ERR_CONNECTION_LOST')
  t.is(calls, 1)
})

test('an idempotent request is repeated as often as it takes', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.listen({
    async lost(stream) {
      await stream.nextString()
      if (++calls < 4) stream.connection.close(0, 'lost')
      else await stream.write('{"ok":"fourth"}\n')
    }
  })
  t.is(await client.call(peer, 'lost', 1, { idempotent: true, timeout: 60_000 }), 'fourth')
})

test('invalid options are rejected', async t => {
  const { client, server, peer } = await requestPair(t)
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  const callOptions: unknown[] = [
    null,
    1,
    { timeout: -1 },
    { timeout: '1' },
    { maxBytes: 0 },
    { idempotent: 1 },
    { schema: {} },
    { schema: null },
    { signal: {} },
    { input: {} }
  ]
  for (const options of callOptions)
    t.like(await failureOf(client.call(peer, 'one', 1, options as never)), invalid, JSON.stringify(options))
  const serveOptions: unknown[] = [
    null,
    { maxBytes: 1.5 },
    { maxRequestsPerPeer: 0 },
    { maxRequestsPerPeer: null },
    { maxBytesPerPeer: 0 },
    { onError: 1 },
    { stack: 1 },
    { input: 1 },
    { output: { items: 1 } },
    { schema: 1 }
  ]
  for (const options of serveOptions)
    t.throws(() => server.serve('one', () => 1, options as never), invalid, JSON.stringify(options))
  t.throws(() => server.serve('one', 1 as never), invalid)
  t.throws(() => server.serve('Ping', () => 1), invalid)
  t.like(await failureOf(client.call({} as never, 'one')), { code: 'ERR_PEER_ADDRESS' })
})

test('serving ends with its signal', async t => {
  const { client, server, peer } = await requestPair(t)
  const controller = new AbortController()
  const serving = server.serve('one', () => 1, { signal: controller.signal })
  t.is(await client.call(peer, 'one'), 1)
  controller.abort()
  await serving.closed
  t.is((await failureOf(client.call(peer, 'one'))).code, 'ERR_PROTOCOL_UNSUPPORTED')
})

test('items that their caller does not take delay no other call', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('many', async function* () {
    for (;;) yield 'x'.repeat(100_000)
  })
  server.serve('one', () => 1)
  const untaken = await Promise.all(Array.from({ length: 10 }, () => client.call<Items<string>>(peer, 'many')))
  for (let count = 0; count < 20; count++) t.is(await client.call(peer, 'one'), 1)
  for (const items of untaken) await items.return?.()
})

test('a refusal does not multiply the keys of its request', async t => {
  const { client, server, peer } = await requestPair(t)
  const validate = (value: unknown) => {
    const [key] = Object.keys(value as object)
    return { issues: Array.from({ length: 100 }, (_, at) => ({ message: 'no number', path: [key as string, at] })) }
  }
  server.serve('record', () => 1, { input: { '~standard': { version: 1, vendor: 'test', validate } } })
  const error = await failureOf(client.call(peer, 'record', { ['k'.repeat(1_000_000)]: [] }))
  t.like(error, { code: 'ERR_SCHEMA', remoteCode: 'schema' })
  const [first] = error.issues ?? []
  t.is(first?.message, 'no number')
  t.regex(String(first?.path[0]), /^k{100,}…$/)
  t.true(JSON.stringify(error.issues).length < 8_000, 'the issues together')
  t.true(error.message.length < 1_000, error.message)

  const stream = await client.getStream(peer, 'record')
  await stream.finish(`${JSON.stringify({ input: { ['k'.repeat(60_000)]: [] } })}\n`)
  t.true((await stream.nextString()).length < 10_000, 'the line')
})

test('an error that is longer than maxBytes still has its reason', async t => {
  const { client, server, peer } = await requestPair(t)
  const fail = (message: string, data: unknown) => () => {
    throw Object.assign(new RangeError(message), { code: 'E_LONG', data })
  }
  server.serve('data', fail('the reason', 'x'.repeat(2_000)), { maxBytes: 1_000 })
  server.serve('message', fail(`why: ${'\u0001'.repeat(20 * MiB)}`, 1), { stack: true })
  server.serve('fits', fail('the reason', 'x'.repeat(500)), { maxBytes: 1_000 })
  const remote = { code: 'ERR_REMOTE', remoteName: 'RangeError', remoteCode: 'E_LONG' }
  const noData = await failureOf(client.call(peer, 'data', 1, { maxBytes: 1_000 }))
  t.like(noData, remote)
  t.regex(noData.message, /^the reason .*data left out/)
  t.is(noData.data, undefined)
  const cut = await failureOf(client.call(peer, 'message', 1, { timeout: 60_000 }))
  t.like(cut, remote)
  t.regex(cut.message, /^why: .*cut/)
  t.is((await failureOf(client.call(peer, 'fits', 1))).data, 'x'.repeat(500))

  let reads = 0
  const data = {
    toJSON() {
      if (reads++ > 0) throw new Error('read twice')
      return 'once'
    }
  }
  server.serve('once', fail('the reason', data))
  t.like(await failureOf(client.call(peer, 'once', 1)), { ...remote, message: 'the reason', data: 'once' })
})
