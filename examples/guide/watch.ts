import { createEndpoint } from 'fastn-net'

const [ticket] = process.argv.slice(2)
if (ticket === undefined) throw new Error('npm run example watch TICKET, with the ticket that the receiver printed')

await using endpoint = await createEndpoint()
const watching = (async () => {
  // Yields each tracked peer, then each peer that changes. Ends when the endpoint closes.
  for await (const { id52, tracked, state, connections, lastError } of endpoint.watch()) {
    const path = connections[0]?.paths.find(path => path.selected)
    console.log(
      id52,
      tracked ? state : 'gone',
      path && (path.relay ? 'relay' : 'direct'),
      path?.address,
      path?.rtt,
      lastError?.code
    )
  }
})()
await endpoint.ping(ticket)
console.log(endpoint.metrics())
await endpoint.close()
await watching
