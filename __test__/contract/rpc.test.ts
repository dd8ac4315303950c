// Requests and answers between two endpoints: values, errors, timeouts, signals.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { RequestContext } from 'fastn-net'
import { failureOf, gate, requestPair } from '../helpers/requests.js'

test('a call returns what the handler returns', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('add', ({ a, b }: { a: number; b: number }) => a + b)
  server.serve('same', (input: unknown) => input)
  t.is(await client.call<number>(peer, 'add', { a: 1, b: 2 }), 3)
  const values = [null, true, 0, '', 'text\n', [], {}, { ok: 1, error: 2, item: 3, stream: true }, 'ü'.repeat(100_000)]
  for (const value of values) t.deepEqual(await client.call(peer, 'same', value), value)
  t.is(await client.call(peer, 'same'), undefined as never)
})

test('an object that is not an answer is ERR_JSON, not undefined', async t => {
  const { client, server, peer } = await requestPair(t)
  server.listen({
    status: stream => stream.finish('{"status":"ok","value":5}\n'),
    text: stream => stream.finish('hello'),
    list: stream => stream.finish('[1]\n'),
    none() {}
  })
  await t.throwsAsync(client.call(peer, 'status'), { code: 'ERR_JSON', message: /neither 'ok' nor 'error': perhaps/ })
  for (const protocol of ['text', 'list'])
    await t.throwsAsync(client.call(peer, protocol), { code: 'ERR_JSON', message: /served with listen, not serve/ })
  await t.throwsAsync(client.call(peer, 'none'), { code: 'ERR_UNEXPECTED_END', message: /with listen, not serve/ })
})

test('both sides of a pair may call, over one connection', async t => {
  const { client, server, peer } = await requestPair(t)
  client.serve('who', () => 'client')
  server.serve('who', (_: unknown, { remoteId52 }: RequestContext) => server.call(remoteId52, 'who'))
  t.is(await client.call<string>(peer, 'who'), 'client')
  t.is(client.peers()[0]?.connections.length, 1)
})

test('200 requests in parallel', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('double', async (value: number) => {
    await sleep(1)
    return value * 2
  })
  const numbers = Array.from({ length: 200 }, (_, value) => value)
  const answers = await Promise.all(numbers.map(value => client.call<number>(peer, 'double', value)))
  t.deepEqual(
    answers,
    numbers.map(value => value * 2)
  )
})

test("a handler's error arrives with its name, message, code and data, and no stack", async t => {
  const { client, server, peer } = await requestPair(t)
  class NotFound extends Error {
    override readonly name = 'NotFound'
    readonly code = 'E_NOT_FOUND'
    readonly data = { id: 7 }
  }
  server.serve('find', () => {
    throw new NotFound('no such\nuser')
  })
  const error = await failureOf(client.call(peer, 'find', 7))
  t.like(error, {
    code: 'ERR_REMOTE',
    message: 'no such\\nuser',
    remoteName: 'NotFound',
    remoteCode: 'E_NOT_FOUND',
    data: { id: 7 },
    peer: server.id52,
    protocol: 'find',
    phase: 'call'
  })
  t.false('remoteStack' in error)
})

test('stacks leave the machine only if asked for', async t => {
  const { client, server, peer } = await requestPair(t)
  const thrower = () => {
    throw new RangeError('out of range')
  }
  server.serve('with', thrower, { stack: true })
  const error = await failureOf(client.call(peer, 'with'))
  t.regex(error.remoteStack ?? '', /^RangeError: out of range\n {4}at .*thrower/)
})

test('every value that a handler throws reaches the caller', async t => {
  const { client, server, peer } = await requestPair(t)
  const hostile = Object.defineProperties(new Error('seen'), {
    code: {
      get() {
        throw new Error('not read')
      }
    }
  })
  const cycle: Record<string, unknown> = { message: 'round' }
  cycle.data = cycle
  const thrown: [unknown, object][] = [
    ['a string', { message: 'a string', data: 'a string' }],
    [undefined, { message: 'the handler threw undefined' }],
    [7n, { message: 'the handler threw 7' }],
    [Symbol('s'), { message: 'the handler threw Symbol(s)' }],
    [() => 'secret', { message: 'the handler threw a function' }],
    [{ reason: 'no' }, { message: 'the handler threw an object', data: { reason: 'no' } }],
    [
      { message: 'teapot', code: 418 },
      { message: 'teapot', remoteCode: '418' }
    ],
    [Object.assign(new Error('big'), { data: 1n }), { message: 'big', remoteName: 'Error' }],
    [cycle, { message: 'round' }],
    [hostile, { message: 'seen' }],
    [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          }
        }
      ),
      { message: 'the handler threw an object' }
    ]
  ]
  for (const [index, [value]] of thrown.entries())
    server.serve(`throw ${index}`, () => {
      throw value
    })
  for (const [index, [, expected]] of thrown.entries())
    t.like(await failureOf(client.call(peer, `throw ${index}`)), { code: 'ERR_REMOTE', ...expected }, `throw ${index}`)
})

test('a result that JSON cannot represent is an error for the caller and a report for the server', async t => {
  const { client, server, peer } = await requestPair(t)
  const reports: unknown[] = []
  const onError = (error: unknown) => reports.push(error)
  const cycle: unknown[] = []
  cycle.push(cycle)
  server.serve('cycle', () => cycle, { onError })
  server.serve('bigint', () => 1n as unknown, { onError })
  const shared = {}
  server.serve('part', () => ({ shared, twice: shared, rows: [{ id: 1n }] }) as unknown, { onError })
  for (const [protocol, place] of [
    ['cycle', /result\[0\] is a cycle/],
    ['bigint', /result is a bigint: send text/],
    ['part', /result\.rows\[0\]\.id is a bigint/]
  ] as const) {
    const error = await failureOf(client.call(peer, protocol))
    t.like(error, { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
    t.regex(error.message, place)
  }
  t.is(reports.length, 3)
})

test('an input that JSON cannot represent is rejected before it is sent', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.serve('count', () => calls++)
  const getter = {
    get broken() {
      throw new Error('not readable')
    }
  }
  for (const input of [1n, getter])
    t.is((await failureOf(client.call(peer, 'count', input))).code, 'ERR_INVALID_ARGUMENT')
  t.is(await client.call(peer, 'count'), 0)
})

test('onError receives what handlers throw, with their context', async t => {
  const { client, server, peer } = await requestPair(t)
  const reported = gate<[unknown, RequestContext]>()
  const thrown = new Error('mine')
  const handler = () => {
    throw thrown
  }
  server.serve('fail', handler, { onError: (error, context) => reported.open([error, context]) })
  await failureOf(client.call(peer, 'fail'))
  const [error, context] = await reported.opened
  t.is(error, thrown)
  t.is(context.remoteId52, client.id52)
  t.is(context.protocol, 'fail')
})

test("the caller's signal aborts the handler's", async t => {
  const { client, server, peer } = await requestPair(t)
  const started = gate()
  const aborted = gate<unknown>()
  server.serve('slow', async (_: unknown, { signal }: RequestContext) => {
    signal.addEventListener('abort', () => aborted.open(signal.reason))
    started.open()
    await aborted.opened
  })
  const controller = new AbortController()
  const answer = client.call(peer, 'slow', 1, { signal: controller.signal })
  await started.opened
  const reason = new Error('enough')
  controller.abort(reason)
  t.is(await answer.catch((error: unknown) => error), reason as never)
  t.like(await aborted.opened, { code: 'ERR_STREAM_STOPPED', errorCode: 0x101 })
})

test('an aborted signal sends nothing', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.serve('count', () => ++calls)
  const reason = new Error('before')
  t.is(
    await client.call(peer, 'count', 1, { signal: AbortSignal.abort(reason) }).catch((error: unknown) => error),
    reason as never
  )
  t.is(await client.call(peer, 'count'), 1)
})

test('a signal that aborts right after the call cancels it, however early', async t => {
  const { client, server, peer } = await requestPair(t)
  const release = gate()
  server.serve('slow', () => release.opened)
  const connection = await client.connect(peer)
  for (let ticks = 0; ticks < 10; ticks++) {
    const controller = new AbortController()
    const reason = new Error(`after ${ticks} ticks`)
    const answer = client
      .call(peer, 'slow', 1, { signal: controller.signal, timeout: 20_000 })
      .catch((error: unknown) => error)
    for (let tick = 0; tick < ticks; tick++) await null
    controller.abort(reason)
    t.is(await answer, reason as never)
  }
  release.open()
  await connection[Symbol.asyncDispose]()
})

test('the timeout fails the call and aborts the handler, which knows its deadline', async t => {
  const { client, server, peer } = await requestPair(t)
  const aborted = gate<unknown>()
  const seen = gate<number | undefined>()
  server.serve('never', (_: unknown, { signal, deadline }: RequestContext) => {
    seen.open(deadline)
    return new Promise(() => signal.addEventListener('abort', () => aborted.open(signal.reason)))
  })
  await client.connect(peer)
  const began = Date.now()
  const error = await failureOf(client.call(peer, 'never', 1, { timeout: 2_000 }))
  t.like(error, { code: 'ERR_CALL_TIMEOUT', peer: server.id52, protocol: 'never' })
  t.regex(error.message, /within 2000 ms/)
  t.true(Date.now() - began >= 1_999)
  const deadline = (await seen.opened) as number
  t.true(deadline > began && deadline <= Date.now() + 2_000, String(deadline - began))
  t.true(['ERR_CALL_TIMEOUT', 'ERR_STREAM_STOPPED'].includes(((await aborted.opened) as { code: string }).code))
})

test('without a timeout there is no deadline', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('deadline', (_: unknown, { deadline }: RequestContext) => deadline ?? 'none')
  t.is(await client.call(peer, 'deadline', 1, { timeout: Number.POSITIVE_INFINITY }), 'none')
})

test('the signal of a handler aborts when its caller vanishes', async t => {
  const { client, server, peer } = await requestPair(t)
  const started = gate()
  const aborted = gate<{ code: string }>()
  server.serve('slow', async (_: unknown, { signal }: RequestContext) => {
    signal.addEventListener('abort', () => aborted.open(signal.reason))
    started.open()
    await aborted.opened
  })
  const answer = client.call(peer, 'slow')
  answer.catch(() => {})
  await started.opened
  await client.close({ timeout: 0 })
  t.true(
    ['ERR_CONNECTION_LOST', 'ERR_STREAM_STOPPED', 'ERR_STREAM_RESET', 'ERR_CLOSED'].includes(
      (await aborted.opened).code
    )
  )
})

test('the signal does not abort once the handler has returned', async t => {
  const { client, server, peer } = await requestPair(t)
  let kept: AbortSignal | undefined
  server.serve('keep', (_: unknown, { signal }: RequestContext) => {
    kept = signal
    return 1
  })
  t.is(await client.call(peer, 'keep', 1, { timeout: 2_000 }), 1)
  await client.close()
  await sleep(2_100)
  t.is(kept?.aborted, false)
})

test('a call of a protocol without a server is ERR_PROTOCOL_UNSUPPORTED', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('other', () => 1)
  t.is((await failureOf(client.call(peer, 'none'))).code, 'ERR_PROTOCOL_UNSUPPORTED')
})

test('an unreachable peer fails within the timeout', async t => {
  const { client, server, peer } = await requestPair(t)
  await server.close()
  t.is((await failureOf(client.call(peer, 'none', 1, { timeout: 200 }))).code, 'ERR_UNREACHABLE')
})

test('the same protocol cannot be served twice', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('one', () => 1)
  t.is((await failureOf(server.serve('one', () => 2).ready)).code, 'ERR_PROTOCOL_IN_USE')
  t.is(await client.call(peer, 'one'), 1)
})

test('a plain listener answers calls that it frames itself, and a stream that is reset fails them', async t => {
  const { client, server, peer } = await requestPair(t)
  server.listen(
    {
      async framed(stream) {
        const { input } = await stream.nextJson<{ input: number }>()
        await stream.write(`{"ok":${input + 1}}\n`)
      },
      reset() {
        throw new Error('unhandled')
      }
    },
    { onError: () => {} }
  )
  t.is(await client.call(peer, 'framed', 1), 2)
  t.like(await failureOf(client.call(peer, 'reset', 1)), { code: 'ERR_STREAM_RESET', errorCode: 0x102 })
})

test('a handler may return a promise of undefined', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('nothing', async () => {})
  t.is(await client.call(peer, 'nothing'), undefined as never)
})

test('a handler that stops because its caller has gone has not failed', async t => {
  const { client, server, peer } = await requestPair(t)
  const reports: unknown[] = []
  const started = gate()
  const stopped = gate()
  server.serve(
    'slow',
    async (_: unknown, { signal }: RequestContext) => {
      started.open()
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      stopped.open()
      signal.throwIfAborted()
    },
    { onError: error => reports.push(error) }
  )
  server.serve('one', () => 1)
  const controller = new AbortController()
  const answer = client.call(peer, 'slow', 1, { signal: controller.signal })
  answer.catch(() => {})
  await started.opened
  controller.abort()
  await stopped.opened
  await client.call(peer, 'one')
  t.deepEqual(reports, [])
})
