// Schemas at both ends, and services, with three schema libraries.
import { type } from 'arktype'
import test from 'ava'
import { defineService, isFastnNetError, type RequestContext, type StandardSchemaV1 } from 'fastn-net'
import * as v from 'valibot'
import * as z from 'zod'
import { all, each, failureOf, gate, requestPair } from '../helpers/requests.js'

const libraries = {
  zod: [z.object({ a: z.number(), b: z.number() }), z.number()],
  valibot: [v.object({ a: v.number(), b: v.number() }), v.number()],
  arktype: [type({ a: 'number', b: 'number' }), type('number')]
} as const satisfies Record<
  string,
  readonly [StandardSchemaV1<unknown, { a: number; b: number }> | StandardSchemaV1<{ a: number; b: number }>, unknown]
>

for (const [library, [input, output]] of Object.entries(libraries)) {
  test(`${library}: both ends check both messages`, async t => {
    const { client, server, peer } = await requestPair(t)
    const calculator = defineService({ add: { input, output } }, { name: library })
    let calls = 0
    const results: unknown[] = [3, 'three']
    server.serve(
      calculator,
      {
        add() {
          calls++
          return results.shift() as number
        }
      },
      { onError: () => {} }
    )
    const { add } = client.client(calculator, peer)
    t.is(await add({ a: 1, b: 2 }), 3)

    const wrong = { a: 1, b: '2' } as unknown as { a: number; b: number }
    const here = await failureOf(add(wrong))
    t.like(here, { code: 'ERR_SCHEMA', phase: 'call', issues: [{ path: ['b'] }] })
    t.false('remoteCode' in here)
    t.is(calls, 1, 'it was not sent')

    const there = await failureOf(client.call(peer, calculator.protocol('add'), wrong))
    t.like(there, { code: 'ERR_SCHEMA', remoteCode: 'schema', issues: [{ path: ['b'] }] })
    t.regex(there.message, /^the peer says that the request's input does not match its schema at b: ./)
    t.is(calls, 1, 'the handler was not called')

    t.like(await failureOf(add({ a: 1, b: 2 })), { code: 'ERR_REMOTE', remoteCode: 'ERR_SCHEMA' })
  })
}

test('call and serve check against schemas, and give what those return', async t => {
  const { client, server, peer } = await requestPair(t)
  const input = z.object({ name: z.string().trim(), times: z.number().default(2) })
  const output = z.object({ text: z.string() })
  server.serve('greet', ({ name, times }) => ({ text: `${name}!`.repeat(times), secret: 'of the server' }), {
    input,
    output
  })
  t.deepEqual(
    await client.call(peer, 'greet', { name: ' Ada ' }),
    { text: 'Ada!Ada!' },
    'what the schema strips is not sent'
  )
  const { text } = await client.call(peer, 'greet', { name: 'Ada', times: 1 }, { schema: output })
  t.is(text, 'Ada!')
  const error = await failureOf(client.call(peer, 'greet', { name: 'Ada' }, { schema: z.number() }))
  t.like(error, { code: 'ERR_SCHEMA', issues: [{ path: [] }] })
  t.regex(error.message, /^the answer does not match its schema: ./)
})

test('a schema may be asynchronous, and one that throws fails the request', async t => {
  const { client, server, peer } = await requestPair(t)
  const even = z.number().refine(async value => value % 2 === 0, 'odd')
  const broken: StandardSchemaV1<unknown, number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate() {
        throw new Error('a mistake in the schema')
      }
    }
  }
  server.serve('even', value => value, { input: even })
  server.serve('broken', value => value, { input: broken })
  t.is(await client.call(peer, 'even', 2), 2)
  t.like(await failureOf(client.call(peer, 'even', 3)), { code: 'ERR_SCHEMA', issues: [{ message: 'odd' }] })
  t.like(await failureOf(client.call(peer, 'broken', 3)), { code: 'ERR_REMOTE', message: 'a mistake in the schema' })
})

test('each item is checked at both ends', async t => {
  const { client, server, peer } = await requestPair(t)
  const numbers = { items: z.number() }
  const service = defineService({ double: { input: numbers, output: numbers } })
  const broken = [1, 'two'] as number[]
  let result: AsyncIterable<number> | undefined
  const seen = gate()
  server.serve(
    service,
    {
      async *double(items) {
        if (result !== undefined) yield* result
        else
          try {
            for await (const item of items) yield item * 2
          } catch (error) {
            if (isFastnNetError(error, 'ERR_SCHEMA')) seen.open()
            throw error
          }
      }
    },
    { onError: () => {} }
  )
  const { double } = client.client(service, peer)
  t.deepEqual(await all(await double(each([1, 2, 3]))), [2, 4, 6])

  t.like(await failureOf(double(each(broken)).then(all)), { code: 'ERR_SCHEMA' }, "the caller's item")
  const unchecked = client.call<AsyncIterable<number>>(peer, 'double', each(broken)).then(all)
  t.like(await failureOf(unchecked), { code: 'ERR_REMOTE', remoteCode: 'ERR_SCHEMA' })
  await seen.opened

  result = each(broken)
  t.like(await failureOf(double(each([])).then(all)), { code: 'ERR_REMOTE', remoteCode: 'ERR_SCHEMA' })
})

test('a value instead of items, and items instead of a value, are refused', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService({ take: { input: { items: z.number() } }, add: { input: z.number() } })
  server.serve(service, { take: () => 'taken', add: value => value + 1 })
  t.is((await failureOf(client.call(peer, 'take', 1))).code, 'ERR_PROTOCOL_UNSUPPORTED')
  t.is((await failureOf(client.call(peer, 'add', each([1])))).code, 'ERR_PROTOCOL_UNSUPPORTED')
  t.is(await client.call(peer, 'add', 1), 2)
  const expected = await failureOf(client.call(peer, 'add', 1, { schema: { items: z.number() } }))
  t.is(expected.code, 'ERR_SCHEMA')
})

test('a service has many methods, each with its own protocol', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService(
    { add: { input: z.number() }, echo: {}, constructor: {}, toString: {}, Ping: {} },
    { name: 'all' }
  )
  t.deepEqual(service.protocol('add'), { Generic: { fastn: 'rpc', method: 'add', service: 'all' } })
  t.is(service.protocol('add'), service.protocol('add'))
  const implementation = {
    base: 10,
    add(input: number) {
      return this.base + input
    },
    echo: (input: unknown) => input,
    constructor: () => 'constructor',
    toString: () => 'toString',
    Ping: (_: unknown, { protocol }: RequestContext) => protocol
  }
  server.serve(service, implementation)
  const methods = client.client(service, peer)
  t.is(await methods.add(1), 11, 'with its this')
  t.deepEqual(await methods.echo({ a: 1 }), { a: 1 })
  t.is(await methods.echo(), undefined)
  t.is(await methods.constructor(), 'constructor')
  t.is(await methods.toString(), 'toString')
  t.deepEqual(await methods.Ping(), service.protocol('Ping'))
  t.deepEqual(Object.keys(methods), ['add', 'echo', 'constructor', 'toString', 'Ping'])
})

test('methods of a service without a name are plain protocols', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService({ add: { input: z.number() }, Http: {} })
  t.is(service.protocol('add'), 'add')
  t.deepEqual(service.protocol('Http'), { Generic: 'Http' })
  class Numbers {
    readonly #base = 1
    add(input: number) {
      return this.#base + input
    }
    Http() {
      return 'mine'
    }
  }
  server.serve(service, new Numbers())
  t.is(await client.call<number>(peer, 'add', 1), 2)
  t.is(await client.client(service, peer).Http(), 'mine')
})

test('options of one call override those of its method', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService({ wait: { idempotent: true } })
  server.serve(service, { wait: () => new Promise(() => {}) })
  const { wait } = client.client(service, peer)
  t.is((await failureOf(wait(1, { maxBytes: 5 }))).code, 'ERR_LINE_TOO_LONG')
  t.is((await failureOf(wait(1, { timeout: 100 }))).code, 'ERR_CALL_TIMEOUT')
})

test('an incomplete service or implementation is rejected', async t => {
  const { client, server, peer } = await requestPair(t)
  const service = defineService({ add: {}, sub: {} })
  const incomplete = { add: () => 1 } as unknown as { add(): number; sub(): number }
  t.throws(() => server.serve(service, incomplete), { code: 'ERR_INVALID_ARGUMENT', message: /'sub'/ })
  for (const implementation of [null, undefined, 1, () => {}])
    t.throws(() => server.serve(service, implementation as never), { code: 'ERR_INVALID_ARGUMENT' })
  const definitions: unknown[] = [
    {},
    null,
    [],
    { add: null },
    { add: { input: {} } },
    { add: { output: 1 } },
    { add: { inputs: 1 } },
    JSON.parse('{"then":{}}'),
    { add: { idempotent: 1 } }
  ]
  for (const definition of definitions)
    t.throws(() => defineService(definition as never), { code: 'ERR_INVALID_ARGUMENT' }, JSON.stringify(definition))
  t.throws(() => defineService({ add: {} }, { name: 1 } as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => service.protocol('mul' as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => client.client({} as never, peer), { code: 'ERR_INVALID_ARGUMENT' })
})
