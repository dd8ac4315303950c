// libp2p over TCP + noise + yamux.

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import * as p2p from './node.mjs'

export const info = {
  title: 'libp2p TCP+noise+yamux',
  encrypted: true,
  multiplexed: true,
  modules: ['libp2p', '@libp2p/tcp', '@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux']
}

const make = (create, base) =>
  create({
    ...base,
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: 4096, maxOutboundStreams: 4096 })]
  })
export const startServer = onStream => p2p.startServer(make, '/ip4/127.0.0.1/tcp/0', onStream)
export const connect = address => p2p.connect(make, address)
