import { getEndpoint, SecretKey } from 'fastn-net'

const [ticket] = process.argv.slice(2)
if (ticket === undefined) throw new Error('npm run example sender TICKET, with the ticket that the receiver printed')

await using endpoint = await getEndpoint(SecretKey.generate())
await using stream = await endpoint.getStream(ticket, 'AccountToAccount')
await stream.finish(`${JSON.stringify({ hello: 'world' })}\n`)
console.log(await stream.nextString())
