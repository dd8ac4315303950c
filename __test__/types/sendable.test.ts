import { Buffer } from 'node:buffer'
import test from 'ava'
import { defineService, type Endpoint, type Json, type RequestContext, type Sendable } from 'fastn-net'
import * as v from 'valibot'
import * as z from 'zod'

interface Point {
  x: number
  y?: number
  readonly tags: readonly string[]
  labels: Record<string, string>
}
interface Tree {
  name: string
  children: Tree[]
  parent?: Tree
}

declare const values: {
  point: Point
  tree: Tree
  json: Json
  unknown: unknown
  // biome-ignore lint/suspicious/noExplicitAny: programs pass what JSON.parse returned
  any: any
  union: string | Point | null | Point[]
}

// The compiler checks this; the tests only prove that it compiled.
test('values that JSON can carry are accepted', t => {
  const calls = (endpoint: Endpoint) => {
    const { point, tree, json, union } = values
    void [
      endpoint.call('', 'x'),
      endpoint.call('', 'x', undefined),
      endpoint.call('', 'x', null),
      endpoint.call('', 'x', 1)
    ]
    void [endpoint.call('', 'x', { a: [1, { b: point }] }), endpoint.call('', 'x', point), endpoint.call('', 'x', tree)]
    void [endpoint.call('', 'x', json), endpoint.call('', 'x', union)]
    void [
      endpoint.call('', 'x', values.unknown),
      endpoint.call('', 'x', values.any),
      endpoint.call('', 'x', new Date())
    ]
    void [
      endpoint.call('', 'x', new URL('x:')),
      endpoint.call('', 'x', { at: new Date() }),
      endpoint.call('', 'x', numbers())
    ]
    void [endpoint.call<number>('', 'x'), endpoint.call<number>('', 'x', point), endpoint.call<number>('', 'x', tree)]
    void [endpoint.call<number>('', 'x', { a: point }), endpoint.call<number>('', 'x', [point], { timeout: 1 })]
    void [
      endpoint.call<number>('', 'x', union),
      endpoint.call<number>('', 'x', numbers()),
      endpoint.call<number>('', 'x', json)
    ]
    void [endpoint.call('', 'x', each([json])), endpoint.call('', 'x', each([tree])), endpoint.call('', 'x', each([1]))]
    void endpoint.call('', 'x', point, { schema: z.string() })
  }
  const wrapper = <Input extends Sendable>(endpoint: Endpoint, input: Input) => endpoint.call<number>('', 'x', input)
  const handlers = (endpoint: Endpoint) => {
    endpoint.serve('x', (n: number) => n + 1)
    endpoint.serve('x', async ({ a }: { a: number }) => ({ a, point: values.point, tree: values.tree, at: new Date() }))
    endpoint.serve('x', async (_: unknown, { signal }: RequestContext) => signal.throwIfAborted())
    endpoint.serve('x', (point: Point) => point, { onError: () => {} })
    endpoint.serve('x', (tree: Tree): Tree => tree)
    endpoint.serve('x', async function* (from: number) {
      for (let n = from; n > 0; n--) yield { n }
    })
    endpoint.serve('x', async (items: AsyncIterable<number>) => {
      for await (const item of items) if (item > 1) return null
      return { titles: ['a'], point: values.point }
    })
    endpoint.serve('x', () => {
      throw new RangeError('division by zero')
    })
    endpoint.serve('x', (date: Date) => date, { input: z.coerce.date() })
    endpoint.serve('x', () => values.unknown)
    endpoint.serve('x', async (n: number) => (n > 1 ? n : values.union))
    endpoint.serve('x', (n: number) => (n > 1 ? n : 'none'), { stack: true })
    endpoint.serve<number, number>('x', async n => n)
    endpoint.serve('x', (n: number) => (n > 1 ? Promise.resolve(n) : null))
  }
  const services = [
    defineService({ a: { input: z.coerce.date(), output: z.coerce.date() }, b: {} }),
    defineService({ a: { input: z.union([z.string(), z.date()]), output: { items: z.unknown() }, idempotent: true } }),
    defineService(
      { a: { input: v.object({ name: v.optional(v.string()) }), output: z.array(z.string()) } },
      { name: 's' }
    )
  ]
  for (const compiled of [calls, wrapper, handlers]) t.is(typeof compiled, 'function')
  t.is(services.length, 3)
})

test('values that JSON cannot carry do not compile', t => {
  const calls = (endpoint: Endpoint) => {
    // @ts-expect-error: JSON cannot carry a Map
    void endpoint.call('', 'x', new Map([['a', 1]]))
    // @ts-expect-error: JSON cannot carry bytes
    void endpoint.call('', 'x', { photo: new Uint8Array(1) })
    // @ts-expect-error: JSON cannot carry bytes
    void endpoint.call('', 'x', Buffer.from(''))
    // @ts-expect-error: JSON cannot carry a bigint
    void endpoint.call('', 'x', { list: [1n] })
    // @ts-expect-error: JSON cannot carry a function
    void endpoint.call('', 'x', { run() {} })
    // @ts-expect-error: JSON cannot carry a promise
    void endpoint.call('', 'x', Promise.resolve(1))
    // @ts-expect-error: JSON cannot carry a Set
    void endpoint.call('', 'x', new Set([1]), { schema: z.string() })
    // @ts-expect-error: JSON cannot carry bytes
    void endpoint.call('', 'x', chunks())
    // @ts-expect-error: JSON cannot carry a Map, even if the type of the answer is given
    void endpoint.call<number>('', 'x', new Map([['a', 1]]))
    // @ts-expect-error: JSON cannot carry bytes
    void endpoint.call<number>('', 'x', new Uint8Array(1))
    // @ts-expect-error: JSON cannot carry a bigint
    void endpoint.call<number>('', 'x', 1n)
    // @ts-expect-error: JSON cannot carry a function
    void endpoint.call<number>('', 'x', () => {})
  }
  const handlers = (endpoint: Endpoint) => {
    // @ts-expect-error: JSON cannot carry a Map
    endpoint.serve('x', () => new Map([['a', 1]]))
    // @ts-expect-error: JSON cannot carry bytes
    endpoint.serve('x', async () => ({ photo: new Uint8Array(1) }), { onError: () => {} })
    // @ts-expect-error: JSON cannot carry a bigint
    endpoint.serve('x', () => 1n)
    // @ts-expect-error: JSON cannot carry bytes
    endpoint.serve('x', chunks)
    // @ts-expect-error: bytes do not arrive as bytes
    endpoint.serve('x', (photo: Uint8Array) => photo.length)
    // @ts-expect-error: a Date arrives as text
    endpoint.serve('x', ({ at }: { at: Date }) => at.getTime())
  }
  const services = () => {
    // @ts-expect-error: JSON cannot carry a Map
    defineService({ a: { input: z.map(z.string(), z.number()) } })
    // @ts-expect-error: JSON cannot carry a bigint
    defineService({ a: { output: z.object({ count: z.bigint() }) } })
    // @ts-expect-error: JSON cannot carry bytes
    defineService({ a: { output: { items: z.instanceof(Uint8Array) } } })
    // @ts-expect-error: a Date arrives as text, which this schema does not accept
    defineService({ a: { input: v.object({ at: v.date() }) } })
  }
  for (const compiled of [calls, handlers, services]) t.is(typeof compiled, 'function')
})

async function* each<Item>(items: readonly Item[]) {
  yield* items
}

async function* numbers() {
  yield 1
}

async function* chunks() {
  yield new Uint8Array(1)
}
