// A process under the same runtime. Serves until it gets a signal, then exits by itself.
import { Graceful, getEndpoint, SecretKey } from 'fastn-net'

const graceful = new Graceful({ signals: true })
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
const listener = endpoint.listen({
  async AccountToAccount(stream) {
    await stream.finish(`${JSON.stringify(await stream.nextJson())}\n`)
  }
})
// Printed now, because the endpoint accepts no connection before `listen`.
console.log(await endpoint.ticket())
await listener.closed
console.log((await graceful.shutdown()).clean ? 'ended well' : 'ended badly')
