import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint } from 'fastn-net'

await using server = await createEndpoint()
server.serve('report', async (_input, { signal }) => {
  signal.addEventListener('abort', () => console.log('the server stops too'))
  await sleep(60_000, undefined, { signal }) // pass it to fetch, a database, a child process
})

await using client = await createEndpoint()
const signal = AbortSignal.timeout(100)
await client.call(await server.ticket(), 'report', null, { signal }).catch(error => console.log(error.name))
