import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint } from 'fastn-net'

const endpoint = await createEndpoint({ graceful: { timeout: 60_000 } })
endpoint.serve('work', async () => {
  console.log('started')
  await sleep(2000) // Ctrl-C lets it finish, within four fifths of the timeout
  return 'done'
})
console.log(await endpoint.ticket())
