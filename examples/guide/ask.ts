import { createEndpoint } from 'fastn-net'

const [ticket = '', protocol = '', keyFile = 'my.key'] = process.argv.slice(2)
const endpoint = await createEndpoint({ key: keyFile }) // the same ID52 at every start
const stream = await endpoint.getStream(ticket, protocol)
await stream.finish()
for await (const line of stream.lines()) console.log(line)
