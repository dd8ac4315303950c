// A thread with a logger and two endpoints. Reports its number of records and waits to be ended.
import { parentPort } from 'node:worker_threads'
import { getEndpoint, Protocol, SecretKey, setLogger } from 'fastn-net'

let told = 0
setLogger(() => told++, { filter: 'fastn_net=trace' })
const client = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
server.listen([[Protocol.generic('Echo'), stream => stream.finish('hello\n')]])
const stream = await client.getStream(server.address(), Protocol.generic('Echo'))
await stream.nextString()
while (told === 0) await new Promise(resolve => setTimeout(resolve, 5))
parentPort?.postMessage(told)
parentPort?.once('message', async () => {
  await Promise.all([client.close(), server.close()])
  setLogger(null)
})
