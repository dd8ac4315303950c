import { createEndpoint } from 'fastn-net'

const [id52 = ''] = process.argv.slice(2) // of the client
const endpoint = await createEndpoint({ allow: [id52] }) // all other peers are rejected after the handshake
endpoint.listen({ Greet: stream => stream.finish(`hello ${stream.remoteId52}`) })
console.log(await endpoint.ticket())
