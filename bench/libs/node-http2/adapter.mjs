// HTTP/2 over TLS: the usual choice without peer-to-peer.
// Default settings, except for 4,096 concurrent streams. See ../node-http2-wide for wider windows.

import { once } from 'node:events'
import http2 from 'node:http2'
import { certificate, fromDuplex } from '../../util.mjs'

export const info = { title: 'node:http2 over TLS', encrypted: true, multiplexed: true, modules: ['node:http2'] }

const wide = Number(process.env.BENCH_H2_WINDOW ?? 0)
const settings = { maxConcurrentStreams: 4096, ...(wide && { initialWindowSize: wide }) }

export async function startServer(onStream) {
  const server = http2.createSecureServer({ ...certificate(), settings })
  if (wide) server.on('session', s => s.setLocalWindowSize(wide))
  server.on('stream', stream => {
    stream.respond({ ':status': 200 })
    onStream(fromDuplex(stream))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: { port: server.address().port } }
}

export async function connect({ port }) {
  const session = http2.connect(`https://localhost:${port}`, {
    ca: certificate().cert,
    host: '127.0.0.1',
    settings,
    lookup: (h, o, cb) => (o.all ? cb(null, [{ address: '127.0.0.1', family: 4 }]) : cb(null, '127.0.0.1', 4))
  })
  await once(session, 'remoteSettings')
  return {
    openStream: async () => fromDuplex(session.request({ ':method': 'POST', ':path': '/' }, { endStream: false })),
    close: async () => {
      session.destroy()
    }
  }
}
