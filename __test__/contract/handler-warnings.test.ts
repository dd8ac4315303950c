// The process warning about a failed handler, without onError.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { createEndpoint, Graceful, type Items, type PeerStream, type RequestContext } from 'fastn-net'
import { Echo } from '../helpers/pair.js'
import { failureOf, gate, requestPair } from '../helpers/requests.js'

type Warning = Error & { code?: string; detail?: string }
const warnings: Warning[] = []
process.on('warning', (warning: Warning) => {
  if (warning.name === 'FastnNetWarning') warnings.push(warning)
})

/** The warnings so far, once there are `count`: a warning is emitted after the caller is notified. Waits briefly for an excess one. */
async function warned(count = 0): Promise<Warning[]> {
  while (warnings.length < count) await sleep(5)
  await sleep(20)
  return warnings.splice(0)
}

const failing = (code: string) => () => {
  throw Object.assign(new Error('the disk is full.'), { code })
}

test.serial('a handler of serve that throws warns once per code', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('fail', failing('E_SERVE'))
  server.serve('items', async function* () {
    yield 1
    failing('E_ITEMS')()
  })
  for (let count = 0; count < 3; count++)
    t.like(await failureOf(client.call(peer, 'fail')), { code: 'ERR_REMOTE', remoteCode: 'E_SERVE' })
  const items = await client.call<Items<number>>(peer, 'items')
  await items.next()
  t.like(await failureOf(items.next()), { remoteCode: 'E_ITEMS' })
  const seen = await warned(2)
  t.deepEqual(
    seen.map(({ code }) => code),
    ['E_SERVE', 'E_ITEMS']
  )
  t.regex(seen[0]?.message ?? '', /'fail' failed: the disk is full\. Set .*onError of serve/)
  const frames = seen[0]?.detail?.split('\n').filter(line => line.startsWith('    at ')) ?? []
  t.regex(frames[0] ?? '', /handler-warnings\.test/)
  t.deepEqual(
    frames.filter(frame => !frame.includes('__test__')),
    []
  )
})

test.serial('a handler of serve that stops for a caller that has left does not warn', async t => {
  const { client, server, peer } = await requestPair(t)
  const ended = gate()
  const started = [gate(), gate(), gate()] as const
  let left = 3
  const end = () => {
    if (--left === 0) ended.open()
  }
  server.serve('sleeps', async (_: unknown, { signal }: RequestContext) => {
    started[0].open()
    await sleep(60_000, undefined, { signal }).finally(end)
  })
  server.serve('reads', async (items: AsyncIterable<number>) => {
    try {
      for await (const _ of items) started[1].open()
    } finally {
      end()
    }
  })
  server.serve('yields', async function* (_: unknown, { signal }: RequestContext) {
    try {
      yield 1
      started[2].open()
      await sleep(60_000, undefined, { signal })
    } finally {
      end()
    }
  })
  async function* source() {
    yield 1
    await new Promise(() => {})
  }
  const controller = new AbortController()
  const { signal } = controller
  const calls = [client.call(peer, 'sleeps', 1, { signal }), client.call(peer, 'reads', source(), { signal })]
  const items = await client.call<Items<number>>(peer, 'yields', 1, { signal })
  const steps = [items.next(), items.next()]
  await Promise.all(started.map(({ opened }) => opened))
  controller.abort(new Error('enough'))
  await Promise.allSettled([...calls, ...steps])
  await ended.opened
  t.deepEqual(await warned(), [])
})

test.serial('a listen handler whose peer has left does not warn', async t => {
  for (const leave of [
    (streams: readonly PeerStream[]) => streams.map(stream => stream.reset(7)),
    // Both streams use one connection.
    ([stream]: readonly PeerStream[]) => stream?.connection.close(5, 'bye'),
    (streams: readonly PeerStream[]) => streams.map(stream => stream.close().catch(() => {}))
  ]) {
    const { client, server, peer } = await requestPair(t)
    const failures: unknown[] = []
    const ended = gate()
    const keep = (error: unknown) => {
      failures.push(error)
      if (failures.length === 2) ended.open()
      throw error
    }
    server.listen({
      Echo: async stream => {
        // The caller may have stopped reading already.
        await stream.write('x').catch(() => {})
        await stream.bytes().catch(keep)
      },
      Http: async ({ signal }) => {
        await sleep(60_000, undefined, { signal }).catch(keep)
      }
    })
    const streams = [await client.getStream(peer, Echo), await client.getStream(peer, 'Http')]
    for (const stream of streams) {
      await stream.write('half')
      stream.stop(7)
    }
    await sleep(20)
    void leave(streams)
    await ended.opened
    t.deepEqual(await warned(), [])
  }
})

test.serial('a handler that only the close of its own endpoint ends does not warn', async t => {
  const waits: Record<string, (stream: PeerStream) => Promise<unknown>> = {
    read: stream => stream.read(),
    write: async stream => {
      for (;;) await stream.write(new Uint8Array(100_000))
    },
    finish: stream => stream.finish(new Uint8Array(5_000_000)),
    closed: stream => stream.closed,
    signal: ({ signal }) => sleep(60_000, undefined, { signal })
  }
  const { client, server, peer } = await requestPair(t)
  const upstream = await requestPair(t)
  const never = async () => await (await server.getStream(upstream.peer, 'Never')).read()
  upstream.server.listen({ Never: stream => stream.closed }, { onError: () => {} })
  let started = 0
  const [all, ended] = [gate(), gate()]
  const total = Object.keys(waits).length + 3
  const counted = async (wait: () => Promise<unknown>) => {
    if (++started === total) all.open()
    try {
      return await wait()
    } finally {
      if (--started === 0) ended.open()
    }
  }
  const listening = Object.entries(waits).map(([name, wait]) => [
    name,
    (stream: PeerStream) => counted(() => wait(stream))
  ])
  server.listen({ ...Object.fromEntries(listening), nested: () => counted(never) })
  server.serve('call', () => counted(never))
  server.serveHttp(() => counted(never) as Promise<never>)
  const streams = await Promise.all([...Object.keys(waits), 'nested'].map(name => client.getStream(peer, name)))
  const calls = [client.call(peer, 'call'), client.fetch(peer, '/')]
  await all.opened
  await server.close({ timeout: 0 })
  await Promise.allSettled([...calls, ...streams.map(stream => stream.closed)])
  await ended.opened
  t.deepEqual(await warned(), [])
})

test.serial('a handler that ends because its program shuts down does not warn', async t => {
  const graceful = new Graceful()
  await using server = await createEndpoint({ network: 'loopback', graceful })
  await using client = await createEndpoint({ network: 'loopback' })
  const { cancelled: signal } = graceful
  const started = [gate(), gate()] as const
  server.listen({
    Log: async stream => {
      started[0].open()
      for await (const _ of stream.lines({ signal })) t.fail()
    },
    Wait: async () => {
      started[1].open()
      await sleep(60_000, undefined, { signal })
    }
  })
  await Promise.all(['Log', 'Wait'].map(name => client.getStream(server.address(), name)))
  await Promise.all(started.map(({ opened }) => opened))
  t.true((await graceful.shutdown()).clean)
  t.deepEqual(await warned(), [])
})

test.serial('a listen handler that fails by itself warns, and for a failure at another peer too', async t => {
  const { client, server, peer } = await requestPair(t)
  const { server: other, peer: otherPeer } = await requestPair(t)
  other.listen({
    async Http(stream) {
      await stream.nextString()
      stream.reset(9)
    }
  })
  server.listen({
    Echo: failing('E_LISTEN'),
    async Tcp(stream) {
      stream.reset(7)
      await stream.write('after its own reset')
    },
    async Http() {
      const upstream = await server.getStream(otherPeer, 'Http')
      await upstream.write('x\n')
      await upstream.read()
    }
  })
  for (const protocol of [Echo, 'Tcp', 'Http']) {
    const stream = await client.getStream(peer, protocol, { ack: 'later' })
    await t.throwsAsync(stream.read(), { code: 'ERR_STREAM_RESET' })
  }
  const seen = await warned(2)
  // The last two have the same code.
  t.deepEqual(
    seen.map(({ code }) => code),
    ['E_LISTEN', 'ERR_STREAM_RESET']
  )
})

test.serial(
  'a listen handler that returns an answer instead of sending it warns, and one that sends does not',
  async t => {
    const { client, server, peer } = await requestPair(t)
    const returned = gate<unknown>()
    server.listen({
      Echo: () => 'hello',
      async Http(stream) {
        const text = await stream.text()
        await stream.finish(text)
        return text
      },
      Tcp(stream) {
        setImmediate(() => void stream.write('late').catch(returned.open))
      }
    })
    const http = await client.getStream(peer, 'Http')
    await http.finish('hi')
    t.is(await http.text(), 'hi')
    t.is(await (await client.getStream(peer, 'Tcp')).text(), '')
    t.regex(String(await returned.opened), /handler had returned before.*await the work/)
    t.deepEqual(await warned(), [])
    t.is(await (await client.getStream(peer, Echo)).text(), '')
    const [warning] = await warned(1)
    t.is(warning?.code, 'ERR_HANDLER_RESULT')
    t.regex(warning?.message ?? '', /returned a value.*with serve/)
  }
)
