// hyperdht on a private DHT of three loopback nodes. One connection is ONE encrypted stream
// (Noise secret-stream over UDX), which bulk and connect use directly. For many streams on one
// connection (rpc, hold), the adapter uses protomux channels, as its users do. A channel has no
// EOF and no flow control, so the adapter sends an "end" message.

import c from 'compact-encoding'
import DHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import Protomux from 'protomux'
import { byteQueue, fromDuplex } from '../../util.mjs'

export const info = {
  title: 'hyperdht (+ protomux)',
  encrypted: true,
  multiplexed: true,
  modules: ['hyperdht', 'protomux']
}

const protocol = 'bench/1'
const muxed = mode => mode === 'rpc' || mode === 'hold'

function openChannel(mux, id) {
  const q = byteQueue()
  let ends = 0
  const ended = () => {
    if (++ends === 2) setImmediate(() => channel.close())
  }
  const channel = mux.createChannel({ protocol, id, onclose: () => q.fail(new Error('channel closed')) })
  const data = channel.addMessage({ encoding: c.raw, onmessage: q.push })
  const end = channel.addMessage({
    encoding: c.none,
    onmessage: () => {
      q.end()
      ended()
    }
  })
  channel.open()
  return {
    // send() returns false when the connection's buffer is full
    write: buf => {
      if (!data.send(buf)) return new Promise(r => mux.stream.once('drain', r))
    },
    finish: () => {
      end.send()
      ended()
    },
    read: q.read
  }
}

const idOf = n => {
  const b = Buffer.alloc(4)
  b.writeUInt32LE(n)
  return b
}

export async function startServer(onStream, { mode }) {
  const testnet = await createTestnet(3)
  const server = testnet.createNode({ ephemeral: false, firewalled: false }).createServer(socket => {
    socket.on('error', () => {})
    if (!muxed(mode)) return onStream(fromDuplex(socket))
    const mux = Protomux.from(socket)
    mux.pair({ protocol }, id => onStream(openChannel(mux, id)))
  })
  await server.listen()
  return { address: { key: server.publicKey.toString('hex'), bootstrap: testnet.bootstrap } }
}

let dht
export async function connect({ key, bootstrap }, { mode }) {
  dht ??= new DHT({ bootstrap, host: '127.0.0.1' })
  const socket = dht.connect(Buffer.from(key, 'hex'))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('error', () => {})
  const close = async () => {
    socket.destroy()
  }
  if (!muxed(mode)) {
    const stream = fromDuplex(socket)
    return { openStream: async () => stream, close }
  }
  const mux = Protomux.from(socket)
  let n = 0
  return { openStream: async () => openChannel(mux, idOf(n++)), close }
}
