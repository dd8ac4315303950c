// Streams of items, both ways.
import test from 'ava'
import { defineService, type Items, type RequestContext } from 'fastn-net'
import * as z from 'zod'
import { pattern } from '../helpers/pair.js'
import { all, each, failureOf, gate, requestPair } from '../helpers/requests.js'

test('a handler that returns an async iterable answers with its items', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('count', async function* (to: number) {
    for (let at = 0; at < to; at++) yield { at }
  })
  for (const to of [0, 1, 1_000]) {
    const items = await client.call<Items<{ at: number }>>(peer, 'count', to)
    t.deepEqual(
      await all(items),
      Array.from({ length: to }, (_, at) => ({ at }))
    )
    t.deepEqual(await items.next(), { done: true, value: undefined })
  }
})

test('an async iterable as input is sent item by item', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('sum', async (items: AsyncIterable<number>) => {
    let sum = 0
    for await (const item of items) sum += item
    return sum
  })
  t.is(await client.call(peer, 'sum', each([])), 0)
  t.is(await client.call(peer, 'sum', each(Array.from({ length: 1_000 }, () => 2))), 2_000)
})

test('items flow both ways at once', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('double', async function* (items: AsyncIterable<number>) {
    for await (const item of items) yield item * 2
  })
  const next = [gate(), gate(), gate()]
  async function* input() {
    for (const [at, { opened }] of next.entries()) {
      await opened
      yield at
    }
  }
  const answers = await client.call<Items<number>>(peer, 'double', input())
  for (const [at, { open }] of next.entries()) {
    open()
    t.deepEqual(await answers.next(), { done: false, value: at * 2 })
  }
  t.true((await answers.next()).done)
})

test("an error of the handler's iterable follows its items", async t => {
  const { client, server, peer } = await requestPair(t)
  const reported = gate<unknown>()
  const thrown = Object.assign(new TypeError('no third'), { code: 'E_THIRD' })
  const handler = async function* () {
    yield 1
    yield 2
    throw thrown
  }
  server.serve('three', handler, { onError: reported.open })
  const items = await client.call<Items<number>>(peer, 'three')
  t.is((await items.next()).value, 1)
  t.is((await items.next()).value, 2)
  t.like(await failureOf(items.next()), { code: 'ERR_REMOTE', message: 'no third', remoteCode: 'E_THIRD' })
  t.true((await items.next()).done)
  t.is(await reported.opened, thrown)
})

test("an error of the caller's iterable fails the call and reaches the handler after the items", async t => {
  const { client, server, peer } = await requestPair(t)
  const seen = gate<unknown[]>()
  server.serve('take', async (items: AsyncIterable<number>) => {
    const got: unknown[] = []
    try {
      for await (const item of items) got.push(item)
    } catch (error) {
      seen.open([...got, error])
    }
  })
  const thrown = new Error('lost the file')
  async function* input() {
    yield 1
    throw thrown
  }
  t.is(await client.call(peer, 'take', input()).catch((error: unknown) => error), thrown as never)
  const [first, error] = await seen.opened
  t.is(first, 1)
  t.like(error, { code: 'ERR_REMOTE', message: 'lost the file' })
})

test('leaving the loop over items stops the handler', async t => {
  const { client, server, peer } = await requestPair(t)
  const left = gate()
  const aborted = gate()
  server.serve('forever', async function* (_: unknown, { signal }: RequestContext) {
    signal.addEventListener('abort', () => aborted.open())
    try {
      for (let at = 0; ; at++) yield at
    } finally {
      left.open()
    }
  })
  for await (const item of await client.call<Items<number>>(peer, 'forever')) if (item === 10) break
  await Promise.all([left.opened, aborted.opened])
  t.pass()
})

test('leaving the loop stops a handler that waits for its next item', async t => {
  const { client, server, peer } = await requestPair(t)
  const aborted = gate()
  server.serve('one', async function* (_: unknown, { signal }: RequestContext) {
    yield 1
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    aborted.open()
  })
  for await (const _ of await client.call<Items<number>>(peer, 'one')) break
  await aborted.opened
  t.pass()
})

test("a handler that leaves its input stops the caller's iterable", async t => {
  const { client, server, peer } = await requestPair(t)
  const left = gate()
  server.serve('first', async (items: AsyncIterable<number>) => {
    for await (const item of items) return item
    return undefined
  })
  async function* input() {
    try {
      for (let at = 0; ; at++) yield at
    } finally {
      left.open()
    }
  }
  t.is(await client.call(peer, 'first', input()), 0)
  await left.opened
})

test("a handler that ignores its input can answer while the caller's iterable waits", async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('ignore', () => 'done')
  const returned = gate()
  const input: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        returned.open()
        return { done: true, value: undefined }
      }
    })
  }
  t.is(await client.call(peer, 'ignore', input), 'done')
  await returned.opened
})

test('a slow consumer blocks the producer', async t => {
  const { client, server, peer } = await requestPair(t)
  const text = Buffer.from(pattern(64 * 1024)).toString('latin1')
  let produced = 0
  server.serve('many', async function* () {
    for (; produced < 1_000; produced++) yield text
  })
  const items = await client.call<Items<string>>(peer, 'many')
  t.is((await items.next()).value, text)
  let before = -1
  // Until no more items are produced.
  while (before !== produced) {
    before = produced
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  t.true(produced < 200, `${produced} items were produced for a consumer of one`)
  let count = 1
  for await (const item of items) {
    if (item !== text) t.fail('another item')
    count++
  }
  t.is(count, 1_000)
})

test('the timeout ends with the beginning of the answer', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('slow', async function* () {
    yield 1
    await new Promise(resolve => setTimeout(resolve, 3_500))
    yield 2
  })
  t.deepEqual(await all(await client.call<Items<number>>(peer, 'slow', 1, { timeout: 3_000 })), [1, 2])
})

test('the signal ends the items with its reason', async t => {
  const { client, server, peer } = await requestPair(t)
  const aborted = gate()
  server.serve('one', async function* (_: unknown, { signal }: RequestContext) {
    yield 1
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    aborted.open()
  })
  const controller = new AbortController()
  const items = await client.call<Items<number>>(peer, 'one', 1, { signal: controller.signal })
  t.is((await items.next()).value, 1)
  const next = items.next()
  const reason = new Error('enough')
  controller.abort(reason)
  t.is(await next.catch((error: unknown) => error), reason as never)
  await aborted.opened
})

test('a connection that ends fails the items', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('one', async function* () {
    yield 1
    await new Promise(() => {})
  })
  const items = await client.call<Items<number>>(peer, 'one')
  t.is((await items.next()).value, 1)
  const next = items.next()
  next.catch(() => {})
  await server.close({ timeout: 0 })
  t.true(['ERR_CONNECTION_LOST', 'ERR_SHUTTING_DOWN', 'ERR_STREAM_RESET'].includes((await failureOf(next)).code))
})

test('an item that cannot be sent is an error after the items before it', async t => {
  const { client, server, peer } = await requestPair(t)
  const reported = gate<unknown>()
  const handler = async function* () {
    yield 1
    yield 2n as unknown
  }
  server.serve('bigint', handler, { onError: reported.open })
  const items = await client.call<Items<number>>(peer, 'bigint')
  t.is((await items.next()).value, 1)
  t.like(await failureOf(items.next()), { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
  t.like(await reported.opened, { code: 'ERR_INVALID_ARGUMENT' })
})

test('disposing the items of an answer ends them', async t => {
  const { client, server, peer } = await requestPair(t)
  const aborted = gate()
  server.serve('one', async function* (_: unknown, { signal }: RequestContext) {
    yield 1
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    aborted.open()
  })
  {
    await using items = await client.call<Items<number>>(peer, 'one')
    t.is((await items.next()).value, 1)
  }
  await aborted.opened
})

test('several next() calls may be pending at once', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('count', async function* (to: number) {
    for (let at = 0; at < to; at++) yield at
  })
  const items = await client.call<Items<number>>(peer, 'count', 2)
  const steps = await Promise.all([items.next(), items.next(), items.next(), items.next()])
  t.deepEqual(
    steps.map(({ value }) => value),
    [0, 1, undefined, undefined]
  )
})

test('return() ends a pending next()', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('never', async function* () {
    yield await new Promise(() => {})
  })
  const items = await client.call<Items<number>>(peer, 'never')
  const step = items.next()
  await items.return?.()
  t.deepEqual(await step, { done: true, value: undefined })
})

test('return() lets pending next() calls take the items that have arrived', async t => {
  const { client, server, peer } = await requestPair(t)
  const lines = (items: number[]) => ['{"stream":true}', ...items.map(item => `{"item":${item}}`), ''].join('\n')
  // In one write, so that all items arrive with the head of the answer.
  server.listen({
    ended: stream => stream.finish(`${lines([1, 2, 3])}{"end":true}\n`),
    open: async stream => {
      await stream.write(lines([1]))
      await stream.closed.catch(() => {})
    }
  })
  const values = async (steps: (Promise<IteratorResult<number, undefined>> | undefined)[]) =>
    (await Promise.all(steps)).map(step => step?.value)
  const items = await client.call<Items<number>>(peer, 'ended')
  t.deepEqual(await values([items.next(), items.next(), items.return?.(), items.next()]), [1, 2, undefined, undefined])
  const open = await client.call<Items<number>>(peer, 'open')
  t.deepEqual(await values([open.next(), open.next(), open.return?.()]), [1, undefined, undefined])
})

test('with a schema for items, any iterable is accepted', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService({
    double: { input: { items: z.number() }, output: { items: z.number() } },
    text: { output: { items: z.string() } }
  })
  server.serve(
    service,
    {
      async double(items) {
        return (await all(items)).map(item => item * 2)
      },
      text: () => 'text' as unknown as string[]
    },
    { onError: () => {} }
  )
  const methods = client.client(service, peer)
  t.deepEqual(await all(await methods.double(new Set([1, 2]))), [2, 4])
  t.is((await failureOf(methods.text())).code, 'ERR_REMOTE', 'a string is one value')
})

test('items where one value is expected fail the call, and the handler stops', async t => {
  const { client, server, peer } = await requestPair(t)
  const left = gate()
  server.serve('forever', async function* () {
    try {
      for (;;) yield 1
    } finally {
      left.open()
    }
  })
  t.is((await failureOf(client.call(peer, 'forever', 1, { schema: z.number() }))).code, 'ERR_SCHEMA')
  await left.opened
})
