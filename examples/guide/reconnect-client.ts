import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)
const client = await createEndpoint()
for (let count = 1; ; count++) {
  // While the server is down, the call dials again, with backoff, until it is back.
  console.log(await client.call(ticket, 'echo', count, { timeout: 60_000, idempotent: true }))
  await sleep(200)
}
