// libp2p over its QUIC transport (a napi binding to Rust's quinn).

import { quic } from '@chainsafe/libp2p-quic'
import * as p2p from './node.mjs'

export const info = {
  title: '@chainsafe/libp2p-quic',
  encrypted: true,
  multiplexed: true,
  modules: ['libp2p', '@chainsafe/libp2p-quic']
}

const make = (create, base) => create({ ...base, transports: [quic({ maxConcurrentStreamLimit: 4096 })] })
export const startServer = onStream => p2p.startServer(make, '/ip4/127.0.0.1/udp/0/quic-v1', onStream)
export const connect = address => p2p.connect(make, address)
