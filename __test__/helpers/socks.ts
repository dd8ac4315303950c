import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A SOCKS 5 request for a host, by name, and a port. */
export function socksRequest(host: string, port: number): Buffer {
  const name = Buffer.from(host)
  return Buffer.from([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255])
}

/** Sends bytes to a port of 127.0.0.1, and resolves with the received bytes at the end or a reset. */
export async function exchange(port: number | null, bytes: Uint8Array | string): Promise<Buffer> {
  const socket = connect(port ?? 0, '127.0.0.1')
  const chunks: Uint8Array[] = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(bytes)
  // Not `once`, which rejects when the socket is reset.
  await new Promise(resolve => socket.on('close', resolve))
  return Buffer.concat(chunks)
}

/** Connects through a SOCKS server. Resolves with the socket, which is paused, and the code of its reply. */
export async function socksConnect(port: number | null, host: string, target: number): Promise<[Socket, number]> {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksRequest(host, target)]))
  let received = Buffer.alloc(0)
  while (received.length < 12) received = Buffer.concat([received, (await once(socket, 'data'))[0]])
  socket.pause()
  return [socket, received[3] as number]
}
