// node fastn-net.mjs tcp|http expose TARGET-PORT | bridge PORT ADDRESS
import { createEndpoint } from '../../../dist/index.js'

const [kind, side, port, address] = process.argv.slice(2)
const [expose, bridge] = kind === 'http' ? ['exposeHttp', 'bridgeHttp'] : ['exposeTcp', 'bridgeTcp']
const endpoint = await createEndpoint({ network: 'loopback' })
if (side === 'expose') {
  await endpoint[expose](Number(port), { allow: 'public' })
  console.log(`address: ${JSON.stringify(endpoint.address())}`)
} else {
  await endpoint[bridge]({ peer: JSON.parse(address), port: Number(port) })
}
