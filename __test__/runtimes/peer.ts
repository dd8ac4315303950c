// Another process under the same runtime: serves until it is told to end, and then ends by itself.
import { Graceful, getEndpoint, SecretKey } from 'fastn-net'

const graceful = new Graceful({ signals: true })
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
const listening = endpoint.listen({
  async AccountToAccount(stream) {
    await stream.finish(`${JSON.stringify(await stream.nextJson())}\n`)
  }
})
// Only now: before `listen`, the endpoint accepts no connection.
console.log(await endpoint.ticket())
await listening
console.log((await graceful.shutdown()).clean ? 'ended well' : 'ended badly')
