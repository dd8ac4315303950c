import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'
import { pattern } from '../../helpers/pair.js'

/** Size in bytes of `/bytes`. */
export const size = 8_000_000

const bytes = pattern(size)

/** A web server with the features of HTTP for clients. Its answers have no date, so that they can be compared. */
export async function webServer(t: ExecutionContext): Promise<number> {
  const server = createServer(answer)
  server.on('checkContinue', (request, response) => {
    response.sendDate = false
    if (request.url === '/refused') return void response.writeHead(417, { connection: 'close' }).end('no\n')
    response.writeContinue()
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** The same bytes over HTTP/2 without TLS. */
export async function http2Server(t: ExecutionContext): Promise<number> {
  const server = createHttp2Server((request, response) => {
    if (request.method === 'POST') return void request.pipe(response)
    response.end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** How requests through a tunnel have used `secureServer`. */
export interface SecureUse {
  /** HTTP versions of the requests. */
  readonly versions: Set<string>
  /** TLS connections. */
  connections: number
}

/** The same bytes over TLS with HTTP/2, and with HTTP/1.1 for a client that offers no other. */
export async function secureServer(
  t: ExecutionContext,
  certificate: { readonly cert: string; readonly key: string }
): Promise<{ port: number; use: SecureUse }> {
  const use: SecureUse = { versions: new Set(), connections: 0 }
  // Node.js refuses further streams of a session that holds more than 10 MB of answers.
  const settings = { ...certificate, allowHTTP1: true, maxSessionMemory: 1_000 }
  const server = createSecureServer(settings, (request, response) => {
    use.versions.add(request.httpVersion)
    if (request.method === 'POST') return void request.pipe(response)
    response.setHeader('x-authority', request.headers[':authority'] ?? request.headers.host ?? '')
    response.end(bytes)
  })
  server.on('secureConnection', () => use.connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return { port: (server.address() as AddressInfo).port, use }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false
  const { pathname } = new URL(request.url ?? '', 'http://localhost')
  const respond = routes[pathname]
  if (respond === undefined) response.writeHead(404).end('not here\n')
  else respond(request, response)
}

const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
  '/small': (_, response) => response.end('hello\n'),
  '/bytes': sendRange,
  '/echo': (request, response) => request.pipe(response),
  '/digest': describe,
  '/events': sendEvents,
  '/trailers': (_, response) => {
    response.writeHead(200, { trailer: 'x-digest' })
    response.write('body')
    response.addTrailers({ 'x-digest': 'abc' })
    response.end()
  },
  '/many-headers': (_, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2', 'c=3'])
    response.setHeader('x-long', 'x'.repeat(8_000))
    response.writeHead(203, 'As It Is').end('ok\n')
  },
  '/empty': (_, response) => response.writeHead(204).end(),
  // The connection ends in the middle of the body, when `sendNext` is called.
  '/broken': (_, response) => {
    response.writeHead(200, { 'content-length': '100000' })
    response.write(Buffer.alloc(50_000))
    next = () => response.socket?.resetAndDestroy()
  }
}

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined) return void response.writeHead(200, { 'content-length': size }).end(bytes)
  const part = bytes.subarray(Number(from), to === '' ? size : Number(to) + 1)
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${size}`
  response.writeHead(206, { 'content-range': range, 'content-length': part.length }).end(part)
}

/** Describes the received request: the digest of the body, and the headers that say how it was sent. */
async function describe(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of request) hash.update(chunk)
  const { 'transfer-encoding': coding, 'content-length': length, expect } = request.headers
  response.end(`${JSON.stringify({ method: request.method, coding, length, expect, sha256: hash.digest('hex') })}\n`)
}

let next = () => {}

/** Server-sent events, one for each call of `sendNext`. */
function sendEvents(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let count = 0
  next = () => {
    response.write(`data: ${++count}\n\n`)
    if (count === 5) response.end()
  }
  next()
}

/** Lets the server send the next event, or break an answer off. */
export function sendNext(): void {
  next()
}

/** A program that HTTP servers start for each request, as described by RFC 3875 (CGI). */
export async function cgi(
  request: IncomingMessage,
  response: ServerResponse,
  start: (env: Record<string, string>) => { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream }
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  const { stdin, stdout } = start({
    REQUEST_METHOD: request.method ?? '',
    PATH_INFO: pathname,
    QUERY_STRING: searchParams.toString(),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '')
  })
  request.pipe(stdin)
  const output = Buffer.from(await text(stdout.setEncoding('latin1')), 'latin1')
  const end = output.indexOf('\r\n\r\n')
  for (const line of output.toString('latin1', 0, end).split('\r\n')) {
    const [name = '', value = ''] = line.split(': ')
    if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.end(output.subarray(end + 4))
}
