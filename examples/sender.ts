import { createEndpoint } from 'fastn-net'

const [ticket] = process.argv.slice(2)
if (ticket === undefined) throw new Error('usage: sender TICKET, with the ticket that the receiver printed')

await using endpoint = await createEndpoint()
await using stream = await endpoint.getStream(ticket, 'Greet')
await stream.finish('Ada')
console.log(await stream.text())
