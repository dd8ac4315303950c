import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import { createEndpoint } from 'fastn-net'
import { duplex, serveNodeHttp } from 'fastn-net/node'

await using server = await createEndpoint()
serveNodeHttp(server, (request, response) => response.end(`you asked for ${request.url}`)) // or an Express app
server.listen({ Gunzip: stream => pipeline(duplex(stream), createGunzip(), duplex(stream)) })

await using client = await createEndpoint()
const peer = await server.ticket()
const response = await client.fetch(peer, '/items')
console.log(await response.text())

const packed = duplex(await client.getStream(peer, 'Gunzip'))
packed.end(gzipSync('hello gzip'))
console.log(await text(packed))
