// node:http over hyperdht streams: encrypted and P2P, built from npm packages.
import http from 'node:http'
import { Duplex } from 'node:stream'
import DHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import { handle, viaRequest } from '../handler.mjs'

// node:http requires a Node.js stream.
const socket = s => {
  const d = new Duplex({
    read() {
      s.resume()
    },
    write(data, _, cb) {
      if (s.write(data)) cb()
      else s.once('drain', cb)
    },
    final(cb) {
      s.end()
      cb()
    },
    destroy(err, cb) {
      s.destroy()
      cb(err)
    }
  })
  s.on('data', data => {
    if (!d.push(data)) s.pause()
  })
    .on('end', () => d.push(null))
    .on('error', e => d.destroy(e))
    .on('close', () => d.destroy())
  return Object.assign(d, {
    setTimeout: () => d,
    setNoDelay: () => d,
    setKeepAlive: () => d,
    ref: () => d,
    unref: () => d
  })
}

export async function serve() {
  const { bootstrap } = await createTestnet(3),
    dht = new DHT({ bootstrap, host: '127.0.0.1' }),
    web = http.createServer(handle)
  const server = dht.createServer(s => web.emit('connection', socket(s)))
  await server.listen(DHT.keyPair())
  return JSON.stringify({ bootstrap, key: server.publicKey.toString('hex') })
}

export function connect(address) {
  const { bootstrap, key } = JSON.parse(address),
    dht = new DHT({ bootstrap, host: '127.0.0.1' })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 }) // opening 64 streams at once times out
  agent.createConnection = () => socket(dht.connect(Buffer.from(key, 'hex')))
  return viaRequest((o, cb) => http.request({ host: 'peer', agent, ...o }, cb))
}
