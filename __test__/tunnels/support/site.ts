import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'
import { WebSocketServer } from 'ws'

const page =
  '<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>site</title><img id=image src=/image.svg><script src=/script.js></script>'

const image =
  '<svg xmlns="http://www.w3.org/2000/svg" width="123" height="45"><rect width="123" height="45" fill="green"/></svg>'

/** Uses the web's features, and puts the results into `window.result`. */
const script = `
const bytes = new Uint8Array(300_000).map((_, at) => at)

async function events() {
  const source = new EventSource('/events')
  const seen = []
  await new Promise((resolve, reject) => {
    source.onmessage = ({ data }) => seen.push(data) === 3 && resolve()
    source.onerror = reject
  })
  source.close()
  return seen
}

async function socket() {
  const socket = new WebSocket('ws://' + location.host + '/socket')
  socket.binaryType = 'arraybuffer'
  const seen = []
  socket.onopen = () => {
    socket.send('Grüße')
    socket.send(bytes)
  }
  socket.onmessage = ({ data }) => {
    seen.push(typeof data === 'string' ? data : data.byteLength)
    if (seen.length === 2) socket.close(4000, 'done')
  }
  return await new Promise(resolve => {
    socket.onclose = ({ code, reason, wasClean }) => resolve([...seen, code, reason, wasClean])
  })
}

async function all() {
  const image = document.getElementById('image')
  await image.decode()
  const echo = await fetch('/echo', { method: 'POST', body: bytes, headers: { 'x-from-page': 'yes' } })
  const echoed = new Uint8Array(await echo.arrayBuffer())
  return {
    width: image.naturalWidth,
    status: [echo.status, echo.headers.get('x-from-page')],
    same: echoed.length === bytes.length && echoed.every((byte, at) => byte === bytes[at]),
    events: await events(),
    socket: await socket()
  }
}

all().then(result => { window.result = result }, error => { window.result = String(error) })
`

/** A site that a browser opens. */
export interface Site {
  readonly port: number
  /** The header Cookie of each request. */
  readonly cookies: readonly (string | undefined)[]
}

/** A site with a page, its script and image, server-sent events, a WebSocket and cookies. Its page sets the cookie `name`. */
export async function site(t: ExecutionContext, name: string): Promise<Site> {
  const cookies: (string | undefined)[] = []
  const server = createServer((request, response) => {
    cookies.push(request.headers.cookie)
    void answer(request, response, name)
  })
  const sockets = new WebSocketServer({ server, path: '/socket' })
  sockets.on('connection', client => {
    client.on('error', () => {})
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, cookies }
}

async function answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
  const send = (type: string, body: string) => response.writeHead(200, { 'content-type': type }).end(body)
  switch (request.url) {
    case '/':
      response.setHeader('set-cookie', [`${name}=1; HttpOnly`, `wide-${name}=1; Domain=localhost`])
      return void send('text/html', page)
    case '/script.js':
      return void send('text/javascript; charset=utf-8', script)
    case '/image.svg':
      return void send('image/svg+xml', image)
    case '/echo':
      return void response
        .writeHead(201, { 'x-from-page': request.headers['x-from-page'] ?? 'no' })
        .end(await buffer(request))
    case '/events':
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const count of [1, 2, 3]) response.write(`data: ${count}\n\n`)
      return
    default:
      response.writeHead(404).end()
  }
}
