// The HTTP proxy: the destinations of its clients, and its answers to other requests.
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import test from 'ava'
import type { Tunnel } from 'fastn-net'
import { type Pair, pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'
import { connectTo, echoServer, failed, readSocket } from '../helpers/sockets.js'
import { exchange } from '../helpers/socks.js'

interface Proxied extends AsyncDisposable {
  readonly peers: Pair
  readonly exposed: Tunnel
  readonly proxy: Tunnel
}

async function proxied(targets = ['127.0.0.0/8']): Promise<Proxied> {
  const peers = await pair()
  const exposed = await peers.server.exposeProxy({ allow: 'public', targets })
  const proxy = await peers.client.proxy(peers.server.address())
  return { peers, exposed, proxy, [Symbol.asyncDispose]: () => peers[Symbol.asyncDispose]() }
}

/** A web server on 127.0.0.1 whose answers describe the request. */
async function webServer(): Promise<{ server: Server; port: number } & AsyncDisposable> {
  const server = createServer(async (incoming, response) => {
    const body = await buffer(incoming)
    const { method, url, headers } = incoming
    response.end(JSON.stringify({ method, url, headers, digest: digestOf(body) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  return { server, port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Sends a request for a URL, or for another target, to the proxy. */
async function ask(
  { port }: Tunnel,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {}
): Promise<[number | undefined, string]> {
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  asked.end(body)
  const [response]: IncomingMessage[] = await once(asked, 'response')
  return [response?.statusCode, response === undefined ? '' : await text(response)]
}

test('requests with an absolute URL reach the destination, byte for byte', async t => {
  await using through = await proxied()
  await using web = await webServer()
  t.is(through.proxy.url, `http://127.0.0.1:${through.proxy.port}`)
  const host = `localhost:${web.port}`
  const body = randomBytes(1_000_000)
  const headers = {
    host: 'ignored',
    'proxy-authorization': 'secret',
    'proxy-connection': 'keep-alive',
    'x-own': 'kept'
  }
  const asked = ask(through.proxy, `http://${host}/path?a=b`, { method: 'POST', headers, body })
  const [status, answer] = await prompt(asked, 'answer')
  t.is(status, 200)
  const { headers: received, ...got } = JSON.parse(answer)
  t.deepEqual(got, { method: 'POST', url: '/path?a=b', digest: digestOf(body) })
  t.like(received, { host, 'x-own': 'kept' })
  t.deepEqual(
    Object.keys(received).filter(name => name.startsWith('proxy-') || name.startsWith('fastn-')),
    []
  )
})

test('connections to a destination are reused', async t => {
  await using through = await proxied()
  await using web = await webServer()
  let connections = 0
  web.server.on('connection', () => connections++)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let count = 0; count < 3; count++) {
    const host = `127.0.0.1:${web.port}`
    const asked = request({
      host: '127.0.0.1',
      port: through.proxy.port,
      path: `http://${host}/`,
      headers: { host },
      agent
    })
    asked.end()
    const [response] = await prompt(once(asked, 'response'), 'answer')
    await buffer(response)
  }
  agent.destroy()
  t.is(connections, 1)
})

test('CONNECT carries bytes, with half-closes and resets', async t => {
  await using through = await proxied()
  await using service = await echoServer()
  const open = async () => {
    const socket = await connectTo(through.proxy.port)
    socket.write(`CONNECT localhost:${service.port} HTTP/1.1\r\nHost: localhost:${service.port}\r\n\r\n`)
    const [head] = await prompt(once(socket, 'data'), 'head')
    t.regex(String(head), /^HTTP\/1\.1 200 [^\n]*\r\n(?:[^\n]+\r\n)*\r\n$/)
    return [socket, await service.accept()] as const
  }
  const [socket] = await open()
  socket.end('through a tunnel')
  t.is((await prompt(readSocket(socket), 'echo')).toString(), 'through a tunnel')
  const [other, accepted] = await open()
  const reset = failed(other)
  accepted.resetAndDestroy()
  t.is(await prompt(reset, 'reset'), 'ECONNRESET')
})

test('a destination that is not allowed or unreachable gets a status, for both kinds of requests', async t => {
  await using through = await proxied(['*', '10.0.0.0/8', '127.0.0.9/32', 'name.invalid'])
  await using service = await echoServer()
  const cases: [string, number][] = [
    [`127.0.0.1:${service.port}`, 403],
    [`localhost:${service.port}`, 403],
    [`[::1]:${service.port}`, 403],
    [`[::ffff:127.0.0.1]:${service.port}`, 403],
    [`169.254.169.254:80`, 403],
    [`0x7f.1:${service.port}`, 400],
    [`2130706433:${service.port}`, 400],
    [`127.1:${service.port}`, 400],
    ['name.invalid:80', 502],
    ['127.0.0.9:1', 502]
  ]
  for (const [host, expected] of cases) {
    // The system's resolver takes its time.
    const settled = <T>(work: Promise<T>) => (host.startsWith('name.') ? work : prompt(work, host))
    const [status, page] = await settled(ask(through.proxy, `http://${host}/`, { headers: { host } }))
    t.is(status, expected, `${host}: ${page}`)
    const answer = await settled(
      exchange(through.proxy.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    )
    t.regex(answer.toString(), new RegExp(`^HTTP/1.1 ${expected} `), host)
  }
  t.is(through.exposed.connections, 0)
})

test('malformed requests get 400 or an end, and reach nothing', async t => {
  await using through = await proxied()
  await using web = await webServer()
  const host = `127.0.0.1:${web.port}`
  let reached = 0
  web.server.on('connection', () => reached++)
  for (const head of [
    // As sent by web pages.
    `GET / HTTP/1.1\r\nHost: ${host}`,
    `GET http:/// HTTP/1.1\r\nHost: ${host}`,
    `GET https://${host}/ HTTP/1.1\r\nHost: ${host}`,
    `GET ftp://${host}/ HTTP/1.1\r\nHost: ${host}`,
    `GET http://user@${host}/ HTTP/1.1\r\nHost: ${host}`,
    `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}`,
    `GET http://${host}:1/ HTTP/1.1\r\nHost: ${host}:1`,
    `GET http://${host}/ HTTP/1.1`,
    'CONNECT / HTTP/1.1\r\nHost: x',
    `CONNECT http://${host}/ HTTP/1.1\r\nHost: ${host}`,
    'CONNECT 127.0.0.1 HTTP/1.1\r\nHost: 127.0.0.1',
    `CONNECT user@${host} HTTP/1.1\r\nHost: ${host}`,
    'CONNECT 127.0.0.1:0 HTTP/1.1\r\nHost: x',
    'CONNECT 127.0.0.1:99999 HTTP/1.1\r\nHost: x',
    `\x05\x01\x00`,
    'nonsense'
  ]) {
    const answer = await prompt(exchange(through.proxy.port, `${head}\r\nConnection: close\r\n\r\n`), head)
    t.regex(answer.toString(), /^(?:HTTP\/1\.1 400 |$)/, head)
  }
  t.is(reached, 0)
})

test('curl works through the proxy', async t => {
  await using through = await proxied()
  await using web = await webServer()
  const curl = (...args: string[]) =>
    promisify(execFile)('curl', ['-s', '--noproxy', '', '--max-time', '30', '-x', through.proxy.url ?? '', ...args])
  try {
    for (const extra of [[], ['--proxytunnel']]) {
      const { stdout } = await curl(...extra, '--data-binary', 'x'.repeat(100_000), `http://localhost:${web.port}/up`)
      t.like(JSON.parse(stdout), { method: 'POST', url: '/up', digest: digestOf(Buffer.alloc(100_000, 'x')) })
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    t.log('curl is not installed')
    t.pass()
  }
})
