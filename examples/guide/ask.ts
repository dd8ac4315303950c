import { getEndpoint, readOrCreateSecretKey } from 'fastn-net'

const [ticket = '', protocol = '', folder = '.'] = process.argv.slice(2)

const { secretKey } = await readOrCreateSecretKey({ folder }) // the same ID52 at every start
await using endpoint = await getEndpoint(secretKey)
await using stream = await endpoint.getStream(ticket, protocol)
await stream.finish()
for await (const line of stream.lines()) console.log(line)
