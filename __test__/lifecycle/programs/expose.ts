// Exposes a port of 127.0.0.1 to everyone, and prints its address.
import { getEndpoint, SecretKey } from 'fastn-net'

const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
await endpoint.exposeTcp(Number(process.argv[2]), { allow: 'public' })
console.log(JSON.stringify(endpoint.address()))
