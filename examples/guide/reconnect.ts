import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, type Endpoint, SecretKey } from 'fastn-net'

const secretKey = SecretKey.generate()

/** Starts the server with its key, at a port: a restarted server has both again. */
async function start(port: string): Promise<Endpoint> {
  const server = await createEndpoint({ key: secretKey, network: { bind: [`127.0.0.1:${port}`] } })
  server.serve('echo', (text: string) => text)
  return server
}

const first = await start('0')
const peer = first.address()
await using client = await createEndpoint()
console.log(await client.call(peer, 'echo', 'before'))

await first.close()
const restarted = sleep(1000).then(() => start(peer.addresses[0]?.split(':').at(-1) ?? '0'))

// #region call
// The server is down now. The call dials again, with backoff, until it is back.
console.log(await client.call(peer, 'echo', 'after', { timeout: 30_000, idempotent: true }))
// #endregion
await (await restarted).close()
