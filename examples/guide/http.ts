import http from 'node:http'
import { text } from 'node:stream/consumers'
import { createEndpoint } from 'fastn-net'
import { httpAgent, serveNodeHttp } from 'fastn-net/node'

await using server = await createEndpoint()
await using client = await createEndpoint()

// #region serve
server.serveHttp(async (request, { peer }) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hello') return new Response(`hello, peer of ${peer.length} characters`)
  if (pathname === '/echo') return new Response(request.body)
  return new Response('not found', { status: 404 })
})
// #endregion

// #region fetch
const peer = await server.ticket()
const response = await client.fetch(peer, '/hello')
console.log(response.status, await response.text())
// #endregion

const echoed = await client.fetch(peer, '/echo', { method: 'POST', body: 'echo' })
console.log(await echoed.text())
console.log((await client.fetch(peer, '/nothing')).status)

// #region node
serveNodeHttp(server, (request, response) => response.end(`${request.method} ${request.url}`), { service: 'node' })

const agent = httpAgent(client, peer, { service: 'node' })
http.get('http://peer/items', { agent }, async response => {
  console.log(await text(response))
  agent.destroy()
  done()
})
// #endregion

let done: () => void = () => {}
await new Promise<void>(resolve => {
  done = resolve
})
