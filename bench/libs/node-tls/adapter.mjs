// TLS 1.3 over TCP: encrypted, one stream per connection.

import { once } from 'node:events'
import tls from 'node:tls'
import { certificate, fromDuplex } from '../../util.mjs'

export const info = { title: 'node:tls (one socket)', encrypted: true, multiplexed: false, modules: ['node:tls'] }

export async function startServer(onStream) {
  const server = tls.createServer({ ...certificate(), allowHalfOpen: true, noDelay: true }, s =>
    onStream(fromDuplex(s))
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: { port: server.address().port } }
}

export async function connect({ port }) {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: certificate().cert,
    allowHalfOpen: true
  })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  const stream = fromDuplex(socket)
  return {
    openStream: async () => stream,
    close: async () => {
      socket.destroy()
    }
  }
}
