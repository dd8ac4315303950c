// Finishes a stream as its last act and awaits nothing after it.
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const [address, bytes, ack] = process.argv.slice(2) as [string, string, 'now' | 'later']
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const stream = await endpoint.getStream(JSON.parse(address) as PeerAddress, Protocol.generic('Sink'), { ack })
await stream.finish(Buffer.alloc(Number(bytes), 'fastn-net '))
