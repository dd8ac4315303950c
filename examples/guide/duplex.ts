import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { createEndpoint } from 'fastn-net'
import { duplex } from 'fastn-net/node'

await using server = await createEndpoint()
await using client = await createEndpoint()
const peer = await server.ticket()

// #region http
const web = createServer((_request, response) => response.end('hello over HTTP\n'))
server.listen({ Web: stream => void web.emit('connection', duplex(stream)) }) // stays open after the handler returns

const socket = duplex(await client.getStream(peer, 'Web'))
request({ createConnection: () => socket, headers: { host: 'peer' } }, response => response.pipe(process.stdout)).end()
// #endregion
await once(socket, 'close')

// #region gzip
server.listen({
  async Length(stream) {
    const socket = duplex(stream)
    const unpacked = await text(socket.pipe(createGunzip()))
    socket.end(`${unpacked.length}\n`) // a Duplex stays open until you end it
  }
})

const packed = duplex(await client.getStream(peer, 'Length'))
await pipeline(['x'.repeat(1_000_000)], createGzip(), packed)
console.log(await text(packed))
// #endregion
