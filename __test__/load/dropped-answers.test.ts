// Answers of items that are garbage-collected without being left.
import test from 'ava'
import { getEndpoint, type Items, type RequestContext, SecretKey } from '../../dist/modules/index.js'
import { collectUntil } from './support/collect.js'

const options = { network: 'loopback' } as const

test.serial('dropped answers end, even if their signal stays referenced', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  let stopped = 0
  server.serve('forever', async function* (_: unknown, { signal }: RequestContext) {
    signal.addEventListener('abort', () => stopped++)
    for (let at = 0; ; at++) yield at
  })
  const { signal } = new AbortController()
  const peer = server.address()
  async function* source() {
    for (let at = 0; ; at++) yield at
  }
  await (async () => {
    for (const input of [1, 2, 3, source()]) {
      const items = await client.call<Items<number>>(peer, 'forever', input, { signal })
      t.is((await items.next()).value, 0)
    }
  })()
  t.true(await collectUntil(() => stopped === 4), String(stopped))
  t.false(signal.aborted)
  await Promise.all([client.close(), server.close()])
})

test.serial('an answer that is being read is not collected', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  let go = () => {}
  server.serve('later', async function* () {
    yield 1
    await new Promise<void>(resolve => {
      go = resolve
    })
    yield 2
  })
  const seen: number[] = []
  const reading = (async () => {
    for await (const item of await client.call<Items<number>>(server.address(), 'later')) seen.push(item)
  })()
  let turns = 0
  await collectUntil(() => seen.length === 1 && turns++ > 10)
  go()
  await reading
  t.deepEqual(seen, [1, 2])
  await Promise.all([client.close(), server.close()])
})
