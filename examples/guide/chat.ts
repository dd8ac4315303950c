import { createEndpoint, Graceful, type PeerStream } from 'fastn-net'
import { duplex } from 'fastn-net/node'

const [ticket] = process.argv.slice(2)
const graceful = new Graceful({ signals: true })
const endpoint = await createEndpoint({ graceful })
const options = { allowHalfOpen: false, signal: graceful.cancelled } // if one side ends, both do
const chat = (stream: PeerStream) =>
  void process.stdin.pipe(duplex(stream, options).once('close', () => void graceful.shutdown())).pipe(process.stdout)
if (ticket !== undefined) chat(await endpoint.getStream(ticket, 'Chat'))
else {
  endpoint.listen({ Chat: chat })
  console.log(await endpoint.ticket())
}
