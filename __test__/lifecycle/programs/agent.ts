// Two requests through a kept-alive agent that is never destroyed.
import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'

const server = JSON.parse(process.argv[2]!) as PeerAddress
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const socket = duplex(await endpoint.getStream(server, Protocol.generic('Http')))
agent.createConnection = () => socket
for (const path of ['/one', '/two']) {
  const request = http.request({ agent, path, host: 'peer' })
  request.end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  console.log(await text(response))
}
