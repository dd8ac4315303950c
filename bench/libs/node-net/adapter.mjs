// Raw TCP: no encryption, one stream per connection. The baseline.

import { once } from 'node:events'
import net from 'node:net'
import { fromDuplex } from '../../util.mjs'

export const info = { title: 'node:net (raw TCP)', encrypted: false, multiplexed: false, modules: ['node:net'] }

export async function startServer(onStream) {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, s => onStream(fromDuplex(s)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: { port: server.address().port } }
}

export async function connect({ port }) {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  const stream = fromDuplex(socket)
  return {
    openStream: async () => stream,
    close: async () => {
      socket.destroy()
    }
  }
}
