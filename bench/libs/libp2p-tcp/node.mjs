// The transport-independent part of the libp2p adapters. Copied into both libp2p folders,
// because each has its own node_modules.
// libp2p 3 requires Node 22 (Promise.withResolvers). This polyfill lets it run on Node 20.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((a, b) => {
    resolve = a
    reject = b
  })
  return { promise, resolve, reject }
}
const { createLibp2p } = await import('libp2p')
const { multiaddr } = await import('@multiformats/multiaddr')

import { byteQueue } from '../../util.mjs'

const PROTO = '/bench/1'
const MANY = 4096

const stream = s => {
  const q = byteQueue({
    pause: () => s.pause(),
    resume: () => {
      if (s.readStatus === 'paused') s.resume()
    }
  })
  s.addEventListener('message', e => q.push(e.data.subarray()))
  s.addEventListener('remoteCloseWrite', () => q.end())
  s.addEventListener('close', e => (e.error ? q.fail(e.error) : q.end()))
  // Not s.onDrain(): it never renews its promise, so only the first call waits.
  let wake = null
  s.addEventListener('drain', () => wake?.())
  s.addEventListener('close', () => wake?.())
  return {
    write: buf => {
      if (!s.send(buf) && s.writableNeedsDrain)
        return new Promise(r => {
          wake = r
        })
    },
    finish: () => s.close(),
    read: q.read
  }
}

const node = (make, listen) =>
  make(createLibp2p, {
    addresses: { listen },
    // The defaults refuse more than 5 connections per second from one host.
    connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: 1000 },
    connectionMonitor: { enabled: false }
  })

export async function startServer(make, listen, onStream) {
  const n = await node(make, [listen])
  // The defaults are 32 inbound and 64 outbound streams per protocol.
  await n.handle(
    PROTO,
    s => {
      onStream(stream(s))
    },
    { maxInboundStreams: MANY, maxOutboundStreams: MANY }
  )
  return { address: { at: n.getMultiaddrs()[0].toString() } }
}

let client
export async function connect(make, { at }) {
  client ??= node(make, [])
  const conn = await (await client).dial(multiaddr(at), { force: true })
  return {
    openStream: async () => stream(await conn.newStream(PROTO, { maxOutboundStreams: MANY })),
    close: () => conn.close()
  }
}
