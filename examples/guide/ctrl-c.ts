import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, Graceful } from 'fastn-net'

await using endpoint = await createEndpoint({ graceful: new Graceful({ signals: true, timeout: 60_000 }) })
console.log(await endpoint.ticket())

const listener = endpoint.listen({
  async Work(stream) {
    await stream.writeLine('started')
    await sleep(2000) // Ctrl-C lets it finish, within four fifths of the timeout
    await stream.writeLine('done')
  }
})
await listener.closed
