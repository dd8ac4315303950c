import { createInterface } from 'node:readline'
import { createEndpoint, Graceful, type PeerStream } from 'fastn-net'

const [ticket] = process.argv.slice(2)
const graceful = new Graceful({ signals: true })
await using endpoint = await createEndpoint({ graceful })

// Registered as work: a shutdown waits for it.
await graceful.spawn(async () => {
  if (ticket !== undefined) return await chat(await endpoint.getStream(ticket, 'Chat'))
  console.log(await endpoint.ticket())
  for await (const stream of endpoint.acceptBi('Chat')) return await chat(stream) // with the first who comes
})

async function chat(stream: PeerStream): Promise<void> {
  const input = createInterface({ input: process.stdin, signal: graceful.cancelled })
  input.on('line', line => void stream.writeLine(line).catch(() => input.close()))
  input.once('close', () => void stream.finish().catch(() => {}))
  for await (const line of stream.lines()) console.log(`> ${line}`)
  input.close() // the peer has finished
}
