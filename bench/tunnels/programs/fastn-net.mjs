// node fastn-net.mjs expose TARGET-PORT | bridge PORT ADDRESS
import { createEndpoint } from '../../../dist/index.js'

const [side, port, address] = process.argv.slice(2)
const endpoint = await createEndpoint({ network: 'loopback' })
if (side === 'expose') {
  await endpoint.exposeTcp(Number(port), { allow: 'public' })
  console.log(`address: ${JSON.stringify(endpoint.address())}`)
} else {
  await endpoint.bridgeTcp({ peer: JSON.parse(address), port: Number(port) })
}
