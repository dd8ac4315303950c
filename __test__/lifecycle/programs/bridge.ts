// Bridges to a peer's service, and prints the local port. Ends its tunnel on SIGTERM.
import { getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'

const peer = JSON.parse(process.argv[2]!) as PeerAddress
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const bridge = await endpoint.bridgeTcp({ peer })
console.log(bridge.port)
process.once('SIGTERM', () => void bridge.close())
