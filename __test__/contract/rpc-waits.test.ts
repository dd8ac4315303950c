// Every wait within a call ends with the call's timeout and signal.
import test from 'ava'
import { defineService, FastnNetError, type Items, type RequestContext, type StandardSchemaV1 } from 'fastn-net'
import { each, failureOf, gate, requestPair } from '../helpers/requests.js'

/** A schema with this validation. */
function schemaOf(validate: (value: unknown) => unknown): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } }
}

const never = schemaOf(() => new Promise(() => {}))

test.serial('the signal ends the pause before a repetition', async t => {
  const { client, peer } = await requestPair(t)
  const paused = gate()
  let attempts = 0
  Object.defineProperty(client, 'getStream', {
    value: async () => {
      // The first repetition has no pause.
      if (++attempts === 2) paused.open()
      throw new FastnNetError('ERR_CONNECTION_LOST', 'lost')
    }
  })
  const { random } = Math
  t.teardown(() => {
    Math.random = random
  })
  // A pause of 40 s.
  Math.random = () => 100
  const controller = new AbortController()
  const options = { idempotent: true, signal: controller.signal, timeout: 100_000 }
  const answer = client.call(peer, 'lost', 1, options).catch((error: unknown) => error)
  await paused.opened
  const reason = new Error('enough')
  const began = performance.now()
  setTimeout(() => controller.abort(reason), 50)
  t.is(await answer, reason as never)
  t.true(performance.now() - began < 20_000)
  t.is(attempts, 2)
})

test('the timeout and the signal end the wait for an input schema', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.serve('one', () => ++calls)
  const service = defineService({ one: { input: never } })
  const { one } = client.client(service, peer)
  t.like(await failureOf(one(1, { timeout: 100 })), { code: 'ERR_CALL_TIMEOUT', protocol: 'one', phase: 'call' })
  const controller = new AbortController()
  const reason = new Error('enough')
  const answer = one(1, { signal: controller.signal }).catch((error: unknown) => error)
  setTimeout(() => controller.abort(reason), 10)
  t.is(await answer, reason)
  t.is(calls, 0)
})

test("the timeout and the signal end the wait for an answer's schema", async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('one', () => 1)
  const error = await failureOf(client.call(peer, 'one', 1, { schema: never, timeout: 2_000 }))
  t.like(error, { code: 'ERR_CALL_TIMEOUT', protocol: 'one', phase: 'call' })
  t.regex(error.message, /schema/)
  const controller = new AbortController()
  const reason = new Error('enough')
  const checked = gate()
  const schema = schemaOf(() => {
    checked.open()
    return new Promise(() => {})
  })
  const answer = client.call(peer, 'one', 1, { schema, signal: controller.signal }).catch((error: unknown) => error)
  await checked.opened
  controller.abort(reason)
  t.is(await answer, reason)
})

test("the signal ends the wait for an item's schema, and so does leaving the loop", async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('items', () => each([1, 2]))
  const controller = new AbortController()
  const reason = new Error('enough')
  const schema = { items: never }
  const items = await client.call(peer, 'items', 1, { schema, signal: controller.signal })
  const step = items.next().catch((error: unknown) => error)
  setTimeout(() => controller.abort(reason), 10)
  t.is(await step, reason)

  const left = await client.call(peer, 'items', 1, { schema })
  const pending = left.next()
  await left.return?.()
  t.deepEqual(await pending, { done: true, value: undefined })
})

test('an item whose check never settles does not block its source', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('ignore', () => 'done')
  const returned = gate()
  async function* source() {
    try {
      yield 1
    } finally {
      returned.open()
    }
  }
  const service = defineService({ ignore: { input: { items: never } } })
  t.is(await client.client(service, peer).ignore(source()), 'done')
  await returned.opened
})

test('a request whose schema never settles is over once its caller has left', async t => {
  const { client, server, peer } = await requestPair(t)
  const checked = gate()
  const input = schemaOf(value => {
    if (value !== 'never') return { value }
    checked.open()
    return new Promise(() => {})
  })
  server.serve('one', () => 1, { input, maxRequestsPerPeer: 1 })
  const controller = new AbortController()
  const answer = client.call(peer, 'one', 'never', { signal: controller.signal })
  answer.catch(() => {})
  await checked.opened
  controller.abort()
  for (;;) {
    const outcome = await client.call<number>(peer, 'one', 'now').catch((error: FastnNetError) => error.code)
    if (outcome === 1) break
    t.is(outcome, 'ERR_BUSY')
  }
})

test('a call with the timeout 0 sends nothing', async t => {
  const { client, server, peer } = await requestPair(t)
  let calls = 0
  server.serve('one', () => ++calls)
  await client.connect(peer)
  for (let count = 0; count < 20; count++)
    t.like(await failureOf(client.call(peer, 'one', 1, { timeout: 0 })), { code: 'ERR_CALL_TIMEOUT' })
  t.is(await client.call(peer, 'one'), 1, 'no handler has seen them')
})

test('a schema that returns no result is a clear error on its own side', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('one', () => 1)
  for (const result of [undefined, null, 5, Promise.resolve(undefined), { issues: 5 }]) {
    const schema = schemaOf(() => result)
    const error = await failureOf(client.call(peer, 'one', 1, { schema }))
    t.like(error, { code: 'ERR_INVALID_ARGUMENT' })
    t.regex(error.message, /schema .*\{ value \} or \{ issues \}/)
  }
  const reported = gate<unknown>()
  server.serve('input', () => 1, { input: schemaOf(() => undefined), onError: reported.open })
  t.like(await failureOf(client.call(peer, 'input', 1)), { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
  t.like(await reported.opened, { code: 'ERR_INVALID_ARGUMENT' })
})

test('an iterator without a proper step is an error for both sides', async t => {
  const { client, server, peer } = await requestPair(t)
  const broken = (step: unknown): AsyncIterable<number> => ({
    [Symbol.asyncIterator]: () => ({ next: async () => step as IteratorResult<number> })
  })
  for (const step of [undefined, null, 5]) {
    const reported = gate<unknown>()
    const serving = server.serve('broken', () => broken(step), { onError: reported.open })
    await serving.ready
    const items = await client.call<Items<number>>(peer, 'broken')
    const error = await failureOf(items.next())
    t.like(error, { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
    t.regex(error.message, /next\(\)/)
    t.like(await reported.opened, { code: 'ERR_INVALID_ARGUMENT' })
    await serving.close()
  }
  const seen = gate<unknown>()
  server.serve('take', async (items: AsyncIterable<number>, { signal }: RequestContext) => {
    signal.addEventListener('abort', () => {})
    try {
      for await (const _ of items);
    } catch (error) {
      seen.open(error)
    }
  })
  t.like(await failureOf(client.call(peer, 'take', broken(undefined))), { code: 'ERR_INVALID_ARGUMENT', phase: 'call' })
  t.like(await seen.opened, { code: 'ERR_REMOTE', remoteCode: 'ERR_INVALID_ARGUMENT' })
})
