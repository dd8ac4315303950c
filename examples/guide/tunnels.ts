import { once } from 'node:events'
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

console.log(exit.connections, exposed.address, bridge.address === `127.0.0.1:${bridge.port}`)
program.close()
