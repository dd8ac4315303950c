// @matrixai/quic: a napi binding to Cloudflare's quiche, QUIC only, web streams.
import { webcrypto } from 'node:crypto'
import Logger, { LogLevel } from '@matrixai/logger'
import { events, QUICClient, QUICServer } from '@matrixai/quic'
import { certificate } from '../../util.mjs'

export const info = {
  title: '@matrixai/quic',
  encrypted: true,
  multiplexed: true,
  modules: ['@matrixai/quic'],
  bulkMiB: 16
}

const logger = new Logger('quic', LogLevel.SILENT ?? LogLevel.ERROR)
const limits = {
  readableChunkSize: 65536,
  initialMaxStreamsBidi: 4096,
  maxIdleTimeout: 60000,
  keepAliveIntervalTime: 10000
}

const stream = s => {
  const w = s.writable.getWriter(),
    r = s.readable.getReader()
  return {
    write: buf => w.write(buf),
    finish: () => w.close(),
    read: async () => {
      const { done, value } = await r.read()
      return done ? null : value
    }
  }
}

export async function startServer(onStream) {
  const key = await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify'])
  const raw = await webcrypto.subtle.exportKey('raw', key)
  const use = k => webcrypto.subtle.importKey('raw', k, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
  const server = new QUICServer({
    crypto: {
      key: raw,
      ops: {
        sign: async (k, d) => webcrypto.subtle.sign('HMAC', await use(k), d),
        verify: async (k, d, sig) => webcrypto.subtle.verify('HMAC', await use(k), sig, d)
      }
    },
    config: { ...certificate(), verifyPeer: false, ...limits },
    logger
  })
  server.addEventListener(events.EventQUICServerConnection.name, ({ detail: conn }) => {
    conn.addEventListener(events.EventQUICConnectionStream.name, e => onStream(stream(e.detail)))
  })
  await server.start({ host: '127.0.0.1', port: 0 })
  return { address: { port: server.port } }
}

export async function connect({ port }) {
  const client = await QUICClient.createQUICClient({
    host: '127.0.0.1',
    port,
    localHost: '127.0.0.1',
    serverName: 'localhost',
    crypto: {
      ops: {
        randomBytes: async d => {
          webcrypto.getRandomValues(new Uint8Array(d))
        }
      }
    },
    config: { verifyPeer: true, ca: certificate().cert, ...limits },
    logger
  })
  return {
    openStream: async () => stream(client.connection.newStream('bidi')),
    close: () => client.destroy({ force: true })
  }
}
