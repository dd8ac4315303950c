import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEndpoint, setLogger } from 'fastn-net'

setLogger(record => console.error(JSON.stringify(record)), { filter: 'warn,fastn_net=info' })

const endpoint = await createEndpoint({
  key: process.env.KEY_FILE ?? 'server.key',
  graceful: {
    onReport: report => {
      metrics.close()
      if (!report.clean) console.error('unfinished', report)
    }
  },
  closeOnExit: true, // peers learn of process.exit() and of an uncaught exception immediately
  maxConnections: 1000,
  maxConnectionsPerPeer: 4,
  maxStreamsPerPeer: 256,
  maxStreamsTotal: 10_000,
  streamsPerSecond: 200, // per peer
  maxLineBytes: 64 * 1024,
  authorize: { peer: id52 => isMember(id52), timeout: 2000 }
})

const metrics = createServer((_request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end(endpoint.metrics())
})
metrics.listen(Number(process.env.METRICS_PORT ?? 9090), '127.0.0.1')
await once(metrics, 'listening')

endpoint.listen(
  {
    async Greet(stream) {
      const name = await stream.text({ maxBytes: 100, signal: AbortSignal.timeout(10_000) })
      await stream.finish(`hello ${name}`)
    }
  },
  { onError: (error, stream) => console.error('handler failed', stream.remoteId52, error) }
)
console.log(await endpoint.ticket())
console.log('metrics on port', (metrics.address() as AddressInfo).port)

async function isMember(_id52: string): Promise<boolean> {
  return true // ask your database
}
