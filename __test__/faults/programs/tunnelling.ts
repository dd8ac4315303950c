// One side of a TCP tunnel, with the service behind it or a client in front of it. See support/tunnel.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createEndpoint, SecretKey } from 'fastn-net'
import { pattern } from '../../helpers/pair.js'
import type { TunnelCommands, TunnelOptions } from '../support/tunnel.js'
import { drive } from './drive.js'

const { secretKey, bind } = JSON.parse(process.argv[2]!) as TunnelOptions
const endpoint = await createEndpoint({ key: SecretKey.from(secretKey), network: { bind: [bind] } })
const bodies = new Map<number, Uint8Array>()
const served: Promise<string>[] = []

await drive<TunnelCommands>(endpoint.id52, {
  async expose() {
    const server = createServer(socket => {
      served.push(howItEnds(socket))
      // The client asks for a number of bytes.
      socket.once('data', asked => socket.end(body(Number(asked.toString()))))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await endpoint.exposeTcp((server.address() as AddressInfo).port, { allow: 'public' })
    return null
  },
  ends: () => Promise.all(served),
  async download({ peer, bytes }) {
    const bridge = await endpoint.bridgeTcp({ peer })
    const socket = connect({ port: bridge.port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
    const chunks: Uint8Array[] = []
    socket.on('data', chunk => chunks.push(chunk))
    socket.write(String(bytes))
    const end = await howItEnds(socket)
    const at = Date.now()
    socket.destroy()
    await bridge.close({ timeout: 0 })
    const received = Buffer.concat(chunks)
    const isPrefix = received.equals(body(bytes).subarray(0, received.length))
    return { received: received.length, isPrefix, end, at }
  },
  async close() {
    await endpoint.close({ timeout: 0 })
    return null
  }
})
process.exit()

function body(bytes: number): Uint8Array {
  const made = bodies.get(bytes) ?? pattern(bytes)
  bodies.set(bytes, made)
  return made
}

/** `'end'` after a clean end, otherwise the code of the error. */
function howItEnds(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('end', () => resolve('end'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}
