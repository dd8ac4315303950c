import { createEndpoint } from 'fastn-net'

const [id52 = ''] = process.argv.slice(2) // of the client
await using endpoint = await createEndpoint({ allow: [id52] }) // all other peers are rejected after the handshake
console.log(await endpoint.ticket())
await endpoint.listen({ Greet: stream => stream.finish(`hello ${stream.remoteId52}`) }).closed
