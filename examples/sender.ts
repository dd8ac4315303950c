import { createEndpoint } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2) // as the receiver printed it
const endpoint = await createEndpoint()
const stream = await endpoint.getStream(ticket, 'Greet')
await stream.finish('Ada')
console.log(await stream.text())
