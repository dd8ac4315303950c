// Answers with its process id, at a given port and key, until it is killed.
import { getEndpoint, SecretKey } from 'fastn-net'

const [key, bind] = process.argv.slice(2) as [string, string]
const endpoint = await getEndpoint(SecretKey.from(key), { network: { bind: [bind] } })
const listener = endpoint.listen({
  async Tcp(stream) {
    await stream.nextString()
    await stream.write(`${process.pid}\n`)
  }
})
console.log(JSON.stringify([process.pid, endpoint.address()]))
await listener.closed
