// Calls process.exit, or throws, with pending calls.
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const [address, how, moment] = process.argv.slice(2) as [string, 'exit' | 'throw', string]
const server = JSON.parse(address) as PeerAddress
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const stream = await endpoint.getStream(server, Protocol.generic('Echo'))

const waiting: Promise<unknown>[] = [
  stream.read(),
  stream.write(new Uint8Array(64 * 1024 * 1024)),
  stream.closed,
  endpoint.acceptBi('Tcp').next(),
  endpoint.accept().next(),
  endpoint.getStream(server, Protocol.generic('Echo')),
  endpoint.ping(server),
  stream.connection.closed
]
if (Number(moment) % 2 === 0) waiting.push(endpoint.close())
for (const each of waiting) each.catch(() => {})
setTimeout(() => {
  if (how === 'throw') throw new Error('as planned')
  process.exit(7)
}, Number(moment) % 8)
