// Values that JSON would drop or change are rejected, with their place.
import test from 'ava'
import type { FastnNetError, RequestContext } from 'fastn-net'
import { each, failureOf, gate, requestPair } from '../helpers/requests.js'

class Point {
  x = 1
}

function* numbers() {
  yield 1
}

const lost: readonly [unknown, RegExp][] = [
  [new Uint8Array(3), / is an instance of Uint8Array: .*base64/],
  [Buffer.from('abc'), / is an instance of Buffer: .*base64/],
  [new ArrayBuffer(3), / is an instance of ArrayBuffer: .*base64/],
  [new Map([[1, 2]]), / is an instance of Map: send Array\.from\(\)/],
  [new Set([1]), / is an instance of Set: send Array\.from\(\)/],
  [numbers(), / is an iterable: send Array\.from\(\)/],
  [Promise.resolve(1), / is a promise: await it/],
  [() => 1, / is a function/],
  [Symbol('a'), / is a symbol/],
  [new Point(), / is an instance of Point: .*toJSON/],
  [new Error('no'), / is an instance of Error/],
  [Number.NaN, / is NaN: /],
  [Number.NEGATIVE_INFINITY, / is -Infinity: /]
]

/** The error's message, without the beginning that names its subject. */
function messageOf(t: import('ava').ExecutionContext, error: FastnNetError, start: string): string {
  t.true(error.message.startsWith(start), error.message)
  return error.message.slice(start.length)
}

test('an input that JSON does not keep fails at the caller', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.serve('one', () => ++calls)
  for (const [value, pattern] of lost) {
    for (const [input, path] of [
      [value, 'input'],
      [{ photo: value }, 'input.photo'],
      [{ list: [1, { 'a b': value }] }, 'input.list[1]["a b"]']
    ] as const) {
      const error = await failureOf(client.call(peer, 'one', input))
      t.is(error.code, 'ERR_INVALID_ARGUMENT')
      t.regex(messageOf(t, error, `the input cannot be written as JSON: ${path}`), pattern)
    }
  }
  t.is(calls, 0)
})

test('arrays with undefined or empty places, and input that is nested too deeply, fail at the caller', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('none', () => {})
  const refused = async (input: unknown) => {
    const error = await failureOf(client.call(peer, 'none', input))
    t.is(error.code, 'ERR_INVALID_ARGUMENT')
    return messageOf(t, error, 'the input cannot be written as JSON: ')
  }
  t.is(await refused([1, undefined]), 'input[1] is undefined, which an array in JSON cannot hold: send null')
  t.regex(await refused({ list: new Array(2) }), /^input\.list\[0\] is undefined/)
  let deep: unknown[] = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  t.is(await refused(deep), 'it is nested too deeply')
})

test("a result that JSON does not keep is the handler's error", async t => {
  const { client, server, peer } = await requestPair(t)
  for (const [value, pattern] of lost) {
    const reported = gate<unknown>()
    const onError = (error: unknown, _: RequestContext) => reported.open(error)
    const serving = server.serve('result', () => ({ photo: value }), { onError })
    await serving.ready
    const error = await failureOf(client.call(peer, 'result'))
    t.like(error, { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
    t.regex(messageOf(t, error, "the handler's result cannot be written as JSON: result.photo"), pattern)
    t.like(await reported.opened, { code: 'ERR_INVALID_ARGUMENT' })
    await serving[Symbol.asyncDispose]()
  }
})

test('an item that JSON does not keep ends its stream', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('items', () => each<unknown>([1, new Set([1])]), { onError: () => {} })
  const items = await client.call<AsyncIterableIterator<number>>(peer, 'items')
  t.is((await items.next()).value, 1)
  t.regex((await failureOf(items.next())).message, /an item cannot .*: item is an instance of Set/)
  server.serve(
    'drain',
    async (input: AsyncIterable<unknown>) => {
      for await (const _ of input);
    },
    { onError: () => {} }
  )
  const error = await failureOf(client.call(peer, 'drain', each<unknown>([{ later: Promise.resolve(1) }])))
  t.is(error.code, 'ERR_INVALID_ARGUMENT')
  t.regex(error.message, /item\.later is a promise/)
})

test('values with a JSON form, and objects with toJSON, are sent as JSON.stringify writes them', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('echo', (input: unknown) => input)
  class Money {
    toJSON() {
      return '5 EUR'
    }
  }
  const bare = Object.assign(Object.create(null), { a: 1 })
  const date = new Date(0)
  const input = {
    date,
    url: new URL('https://example.org/'),
    price: new Money(),
    bare,
    no: undefined,
    list: [null, true, 'x']
  }
  t.deepEqual(await client.call<unknown>(peer, 'echo', input), JSON.parse(JSON.stringify(input)))
  let deep: unknown[] = []
  for (let depth = 0; depth < 1_000; depth++) deep = [deep]
  t.deepEqual(await client.call<unknown>(peer, 'echo', deep), deep)
  t.is(await client.call<unknown>(peer, 'echo', undefined), undefined)
})
