import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, Graceful } from 'fastn-net'

const graceful = new Graceful({
  signals: true, // SIGINT (Ctrl-C) and SIGTERM start the shutdown
  timeout: 10_000,
  onReport: report => console.log(report.clean ? 'all work done' : report)
})
const endpoint = await createEndpoint({ graceful })
endpoint.listen({
  async Work(stream) {
    await stream.writeLine('started')
    await sleep(500) // a running handler may finish, within the timeout
    await stream.writeLine('done')
  }
})

// Work that is not a handler: register it, and end it when the shutdown begins.
void graceful.spawn(
  async cancelled => {
    while (!cancelled.aborted) await sleep(1000, undefined, { signal: cancelled }).catch(() => {})
    console.log('poller ended')
  },
  { name: 'poller' }
)

console.log(await endpoint.ticket())
