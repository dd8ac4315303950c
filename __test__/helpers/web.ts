import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request,
  type Server
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { prompt } from './prompt.js'
import { connectTo } from './sockets.js'

/** A web server on 127.0.0.1 that is closed with its connections. */
export interface WebServer extends AsyncDisposable {
  readonly port: number
  readonly server: Server
}

/** Answers with a description of the request, as JSON. */
const echo: RequestListener = async (asked, response) => {
  const { method, url, headers } = asked
  response.setHeader('set-cookie', ['a=1', 'b=2'])
  response.end(JSON.stringify({ method, url, headers, body: await text(asked) }))
}

/** Listens on a free port. The default listener answers with a description of the request. */
export async function webServer(listener: RequestListener = echo): Promise<WebServer> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

/** An answer whose body was read. */
export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Sends a request for a host to a port of 127.0.0.1: a resolver may not know names below localhost. */
export async function ask(
  port: number,
  host: string,
  path = '/',
  { headers, ...options }: RequestOptions = {},
  body?: string
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options, headers: { host, ...headers } })
  sent.end(body)
  const [response] = (await prompt(once(sent, 'response'), 'response')) as [IncomingMessage]
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

/** Sends bytes to a port of 127.0.0.1, and returns all bytes that come back until the connection ends. */
export async function exchange(port: number, message: string): Promise<string> {
  const socket = await connectTo(port)
  socket.write(message, 'latin1')
  return await prompt(text(socket), 'the end of the connection')
}

/** Reads from a socket until the received text matches. */
export async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let received = ''
  const matched = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (!pattern.test(received)) return
      socket.off('data', read)
      resolve()
    }
    socket.on('data', read)
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(received)}`)))
  })
  await prompt(matched, String(pattern))
  return received
}
