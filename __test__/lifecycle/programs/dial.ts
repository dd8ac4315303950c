// Dials, gets one line answered, and does not close anything.
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const server = JSON.parse(process.argv[2]!) as PeerAddress
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const stream = await endpoint.getStream(server, Protocol.generic('Echo'))
await stream.finish('hello\n')
console.log(await stream.nextString())
