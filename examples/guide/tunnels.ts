import { once } from 'node:events'
import { createServer as createWebServer, type IncomingMessage, get as request } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { createEndpoint, isFastnNetError } from 'fastn-net'

await using server = await createEndpoint()
await using client = await createEndpoint()

// Any TCP program: a database, a web server, sshd.
const program = createServer(socket => socket.end('the time is now\n')).listen(0, '127.0.0.1')
await once(program, 'listening')
const { port } = program.address() as AddressInfo

// #region expose
await using exposed = await server.exposeTcp(`localhost:${port}`, {
  allow: [client.id52], // or 'public'
  service: 'clock'
})
// #endregion

// #region bridge
await using bridge = await client.bridgeTcp({
  peer: await server.ticket(),
  service: 'clock',
  port: 0 // a free one
})
console.log(await text(connect({ host: '127.0.0.1', port: bridge.port ?? 0 })))
// #endregion

// #region errors
try {
  await client.bridgeTcp({ peer: server.id52, port: bridge.port ?? 0 })
} catch (error) {
  if (!isFastnNetError(error, 'ERR_LISTEN')) throw error
  console.log('the port is in use')
}
// #endregion

// A web server, and a browser's request.
const webServer = createWebServer((request, response) => {
  response.end(`${request.url} for ${request.headers['fastn-peer'] === client.id52 ? 'client' : 'nobody'}\n`)
}).listen(0, '127.0.0.1')
await once(webServer, 'listening')
const web = (webServer.address() as AddressInfo).port
const get = async (url: string): Promise<IncomingMessage> => (await once(request(url), 'response'))[0]

// #region http
await using site = await server.exposeHttp(web, { allow: [client.id52] })
await using browser = await client.bridgeHttp({ peer: await server.ticket() })
console.log(await text(await get(`${browser.url}/hello`)))
// #endregion

// #region expose-proxy
await using exit = await server.exposeProxy({
  allow: [client.id52],
  targets: ['*.example.com:443', `localhost@127.0.0.0/8:${port}`]
})
// #endregion

// #region socks5
await using socks = await client.socks5(await server.ticket())
console.log(`curl --proxy ${socks.url} http://localhost:${port}`)
// #endregion

console.log(exit.connections, exposed.address, site.address, bridge.address === `127.0.0.1:${bridge.port}`)
webServer.close()
program.close()
