// A UDP proxy that delays each datagram; jitter reorders them.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { ProxyOptions } from '../support/proxy.js'
import { drive } from './drive.js'

const { listen, to, delay, jitter } = JSON.parse(process.argv[2]!) as ProxyOptions
const target = { address: to.split(':')[0]!, port: Number(to.split(':')[1]) }
const later = (action: () => void) => setTimeout(action, delay + (Math.random() * 2 - 1) * jitter)

const outside = createSocket('udp4')
/** One socket per sender, so that the target can distinguish them. */
const flows = new Map<string, Socket>()

function flowOf(from: RemoteInfo): Socket {
  const key = `${from.address}:${from.port}`
  const known = flows.get(key)
  if (known) return known
  const socket = createSocket('udp4')
  socket.on('message', bytes => later(() => outside.send(bytes, from.port, from.address)))
  // No receiver: lost.
  socket.on('error', () => {})
  flows.set(key, socket)
  return socket
}

outside.on('message', (bytes, from) => {
  const flow = flowOf(from)
  later(() => flow.send(bytes, target.port, target.address))
})
outside.on('error', () => {})
const [address, port] = listen.split(':')
await new Promise<void>(resolve => outside.bind(Number(port), address, resolve))
await drive('listening', {})
process.exit()
