import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP server on 127.0.0.1 that is closed with its sockets. */
export interface TcpServer extends AsyncDisposable {
  readonly port: number
  readonly server: Server
  /** The next accepted socket. */
  accept(): Promise<Socket>
}

/** Listens on a free port. Sockets stay half-open until they are ended. */
export async function tcpServer(onSocket: (socket: Socket) => void = () => {}): Promise<TcpServer> {
  const sockets = new Set<Socket>()
  const accepted: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
    accepted.push(socket)
    server.emit('accepted')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async accept() {
      while (accepted.length === 0) await once(server, 'accepted')
      return accepted.shift() as Socket
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

/** Listens, and echoes what it receives. */
export function echoServer(): Promise<TcpServer> {
  return tcpServer(socket => socket.pipe(socket))
}

/** Connects to a port of 127.0.0.1, or to a Unix socket. The socket stays half-open until it is ended. */
export async function connectTo(target: number | string | null): Promise<Socket> {
  const address = typeof target === 'string' ? { path: target } : { port: target ?? 0, host: '127.0.0.1' }
  const socket = connect({ ...address, allowHalfOpen: true })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

/** Connects to a port of 127.0.0.1, and resolves with the error code of the socket, which may fail before it is connected. */
export function failureOf(port: number | null): Promise<string> {
  return failed(connect({ port: port ?? 0, host: '127.0.0.1' }))
}

/** Reads to the end. Rejects if the socket fails before. */
export async function readSocket(socket: Socket): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  socket.on('data', chunk => chunks.push(chunk))
  // Not as an iterator, which ends the other direction too.
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

/** Reads until the socket fails. Resolves with the code of its error, or with `'end'` after a clean end. */
export function failed(socket: Socket): Promise<string> {
  socket.resume()
  return new Promise(resolve => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('end', () => resolve('end'))
  })
}
