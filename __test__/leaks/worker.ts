// A thread with its own endpoints, which it closes, leaves open, or waits with.
import { parentPort, workerData } from 'node:worker_threads'
import { createEndpoint, type Endpoint } from 'fastn-net'

const { what, count } = workerData as { what: 'close' | 'leave' | 'wait' | 'endpoints'; count: number }
const options = { network: 'loopback', closeTimeout: 500 } as const

const server = await createEndpoint(options)
server.serve('double', (value: number) => value * 2)
const clients: Endpoint[] = []
for (let at = 0; at < (what === 'endpoints' ? count : 1); at++) {
  const client = await createEndpoint(options)
  // A loaded machine answers late.
  await client.call(server.address(), 'double', 2, { timeout: 120_000 })
  clients.push(client)
}
if (what === 'close') await Promise.all([server, ...clients].map(endpoint => endpoint.close()))
if (what === 'leave') for (const endpoint of [server, ...clients]) endpoint.unref()
if (what === 'wait' || what === 'endpoints') {
  // A call that never settles.
  void server.acceptBi('Never').next()
  parentPort?.postMessage('open')
}
