import { createInterface } from 'node:readline'
import { createEndpoint, Graceful, type PeerStream } from 'fastn-net'

const [ticket] = process.argv.slice(2)
const graceful = new Graceful({ signals: true })
await using endpoint = await createEndpoint({ graceful })

if (ticket === undefined) {
  console.log(await endpoint.ticket())
  await endpoint.listen({ Chat: chat }).closed
} else {
  // Registered as work: a shutdown waits for it.
  await graceful.spawn(async () => chat(await endpoint.getStream(ticket, 'Chat')))
}

async function chat(stream: PeerStream): Promise<void> {
  const input = createInterface({ input: process.stdin, signal: graceful.cancelled })
  input.on('line', line => void stream.writeLine(line).catch(() => input.close()))
  input.once('close', () => void stream.finish().catch(() => {}))
  for await (const line of stream.lines()) console.log(`> ${line}`)
  input.close() // the peer has finished
}
