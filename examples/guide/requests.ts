import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, defineService, isFastnNetError } from 'fastn-net'
import { z } from 'zod'

await using server = await createEndpoint()
await using client = await createEndpoint()
const peer = await server.ticket()

// #region call
server.serve('greet', (name: string, { remoteId52 }) => `Hello ${name}, you are ${remoteId52.length} characters`)

console.log(await client.call<string>(peer, 'greet', 'Ada'))
// #endregion

// #region error
const withdraw = ({ amount }: { amount: number }) => {
  const balance = 100
  if (amount <= balance) return { balance: balance - amount }
  throw Object.assign(new Error('not enough money'), { code: 'ERR_BALANCE', data: { balance } })
}
server.serve('withdraw', withdraw, { onError: () => {} }) // without onError, the server warns, once per code

try {
  await client.call(peer, 'withdraw', { amount: 500 })
} catch (error) {
  if (!isFastnNetError(error, 'ERR_REMOTE') || error.remoteCode !== 'ERR_BALANCE') throw error
  console.log(error.message, error.data)
}
// #endregion

// #region cancel
server.serve('report', async (_input, { signal }) => {
  signal.addEventListener('abort', () => console.log('the server stops too'))
  await sleep(60_000, undefined, { signal }) // pass it to fetch, a database, a child process
})

const cancelled = AbortSignal.timeout(100)
await client.call(peer, 'report', null, { signal: cancelled }).catch(error => console.log(error.name))
// #endregion

// #region parallel
server.serve('square', (n: number) => n * n)

const squares = await Promise.all(Array.from({ length: 200 }, (_, n) => client.call<number>(peer, 'square', n)))
console.log(squares.length, squares[199])
// #endregion

// #region items
server.serve('countdown', async function* (from: number) {
  for (let n = from; n > 0; n--) yield n
})

const countdown = await client.call<AsyncIterable<number>>(peer, 'countdown', 3)
for await (const n of countdown) console.log(n)
// #endregion

// #region service
const todos = defineService(
  {
    add: { input: z.object({ title: z.string().min(1) }), output: z.object({ id: z.number() }) },
    list: { output: z.array(z.string()), idempotent: true }
  },
  { name: 'todos' }
)

const titles: string[] = []
server.serve(todos, {
  add: ({ title }) => ({ id: titles.push(title) }),
  list: () => titles
})

const remote = client.client(todos, peer)
console.log(await remote.add({ title: 'write the guide' }))
console.log(await remote.list())
try {
  await remote.add({ title: '' })
} catch (error) {
  if (!isFastnNetError(error, 'ERR_SCHEMA')) throw error
  console.log(error.issues?.[0]?.path)
}
// #endregion
