// HTTP tunnels: access, and use with fetch, serveHttp and node:http. crates/fastn-net/tests/http tests the forwarded messages.
import { once } from 'node:events'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { Tunnel } from 'fastn-net'
import { httpAgent } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'
import { webServer } from '../helpers/web.js'

/** Sends a request to a port of 127.0.0.1. A resolver may not know names below localhost. */
async function ask(port: number | null, options: RequestOptions, body?: string): Promise<[IncomingMessage, string]> {
  const sent = request({ host: '127.0.0.1', port, agent: false, ...options })
  sent.end(body)
  const [response] = (await prompt(once(sent, 'response'), 'response')) as [IncomingMessage]
  return [response, await text(response)]
}

test('a bridge carries requests to the exposed service of the peer in the Host', async t => {
  await using peers = await pair()
  await using service = await webServer()
  await using exposed = await peers.server.exposeHttp(service.port, { allow: [peers.client.publicKey] })
  // The alias has the peer's address; loopback has no look-up.
  await using bridge = await peers.client.bridgeHttp({ hosts: { alias: peers.server.address() } })
  t.true(exposed instanceof Tunnel && bridge instanceof Tunnel)
  t.deepEqual([exposed.port, exposed.url], [null, null])
  t.is(bridge.url, `http://127.0.0.1:${bridge.port}`)
  const host = `${peers.server.id52}.localhost:${bridge.port}`
  const headers = { host, 'fastn-peer': 'forged' }
  const [response, body] = await ask(bridge.port, { method: 'POST', path: '/items?page=2', headers }, 'hello')
  t.is(response.statusCode, 200)
  t.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2'])
  const asked = JSON.parse(body)
  t.deepEqual([asked.method, asked.url, asked.body], ['POST', '/items?page=2', 'hello'])
  t.deepEqual([asked.headers.host, asked.headers['fastn-peer']], [host, peers.client.id52])
  t.deepEqual([asked.headers['x-forwarded-host'], asked.headers['x-forwarded-proto']], [host, 'http'])

  const [unknown, advice] = await ask(bridge.port, { headers: { host: 'evil.example' } })
  t.is(unknown.statusCode, 421)
  t.regex(advice, /<id52>\.localhost/)
})

test('interim answers of an exposed service are dropped, and its answer follows', async t => {
  await using peers = await pair()
  const { client, server } = peers
  await using service = await webServer(async (asked, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.end(`page ${await text(asked)}`)
  })
  await using _exposed = await server.exposeHttp(service.port, { allow: 'public' })
  await using bridge = await client.bridgeHttp({ peer: server.address() })
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  for (const method of ['GET', 'POST']) {
    const body = method === 'GET' ? undefined : 'x'
    const fetched = await client.fetch(server.address(), '/', { method, body })
    t.deepEqual([fetched.status, fetched.headers.get('link')], [200, null])
    t.is(await fetched.text(), `page ${body ?? ''}`)
    for (const to of [{ headers: { host: 'localhost' } }, { host: 'peer', agent }]) {
      const [response, page] = await ask(bridge.port, { ...to, method }, body)
      t.deepEqual([response.statusCode, response.headers.link, page], [200, undefined, `page ${body ?? ''}`])
    }
  }
})

test('hosts and a peer name services', async t => {
  await using peers = await pair()
  await using service = await webServer()
  const peer = peers.server.address()
  await using _web = await peers.server.exposeHttp(`http://127.0.0.1:${service.port}`, {
    allow: 'public',
    service: 'web',
    hostHeader: 'target'
  })
  await using bridge = await peers.client.bridgeHttp({
    peer: await peers.server.ticket(),
    service: 'web',
    hosts: { shop: { peer, service: 'web' }, empty: peer }
  })
  for (const host of [
    `localhost:${bridge.port}`,
    '127.0.0.1',
    'shop.localhost',
    `web.${peers.server.id52}.localhost`
  ]) {
    const [response, body] = await ask(bridge.port, { headers: { host } })
    t.is(response.statusCode, 200, host)
    t.is(JSON.parse(body).headers.host, `127.0.0.1:${service.port}`)
  }
  t.is((await ask(bridge.port, { headers: { host: 'empty.localhost' } }))[0].statusCode, 502)
})

test('fetch asks an exposed service, and a bridge asks serveHttp', async t => {
  await using peers = await pair()
  await using service = await webServer()
  const { server, client } = peers
  await using _exposed = await server.exposeHttp(service.port, { allow: 'public' })
  const response = await client.fetch(server.address(), '/hello', { method: 'PUT', body: 'x'.repeat(100_000) })
  const asked = JSON.parse(await response.text())
  t.deepEqual([asked.method, asked.url, asked.body.length], ['PUT', '/hello', 100_000])
  t.is(asked.headers['fastn-peer'], client.id52)
  t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])

  server.serveHttp(async request => new Response(`${new URL(request.url).pathname} ${await request.text()}`), {
    service: 'own'
  })
  await using bridge = await client.bridgeHttp({ peer: server.address(), service: 'own' })
  const [answer, body] = await ask(bridge.port, { method: 'POST', path: '/own', headers: { host: 'localhost' } }, 'hi')
  t.deepEqual([answer.statusCode, body], [200, '/own hi'])
})

test('an upgraded connection is carried', async t => {
  await using peers = await pair()
  await using service = await webServer()
  service.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  await using _exposed = await peers.server.exposeHttp(service.port, { allow: 'public' })
  await using bridge = await peers.client.bridgeHttp({ peer: peers.server.address() })
  const headers = { host: 'localhost', connection: 'upgrade', upgrade: 'echo' }
  const sent = request({ host: '127.0.0.1', port: bridge.port, headers, agent: false })
  sent.end()
  const [response, socket] = await prompt(once(sent, 'upgrade'), 'upgrade')
  t.is(response.headers.upgrade, 'echo')
  socket.end('hello')
  t.is(await prompt(text(socket), 'echo'), 'hello')
})

test('a peer that is not allowed gets status 403, and a missing service is 502', async t => {
  await using peers = await pair()
  const { server, client } = peers
  await using _exposed = await server.exposeHttp(1, { allow: [server.id52] })
  await using _gone = await server.exposeHttp('127.0.0.1:1', { allow: 'public', service: 'gone' })
  await using bridge = await client.bridgeHttp({ hosts: { own: server.address() } })
  t.is((await ask(bridge.port, { headers: { host: 'own' } }))[0].statusCode, 403)
  t.is((await ask(bridge.port, { headers: { host: `gone.${server.id52}.localhost` } }))[0].statusCode, 502)
})

test('invalid options of HTTP tunnels are rejected', async t => {
  await using peers = await pair()
  const { server, client } = peers
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  for (const options of [
    {},
    { allow: [] },
    { allow: 'public', hostHeader: 'a\nb' },
    { allow: 'public', certificates: 'x' }
  ])
    await t.throwsAsync(server.exposeHttp(80, options as { allow: 'public' }), invalid)
  for (const target of ['http://localhost/path', 'ftp://localhost', 'host', 0, -1])
    await t.throwsAsync(server.exposeHttp(target, { allow: 'public' }), invalid)
  await t.throwsAsync(client.bridgeHttp({ service: 'web' }), invalid)
  await t.throwsAsync(client.bridgeHttp({ hosts: { 'a:1': server.id52 } }), invalid)
  await t.throwsAsync(client.bridgeHttp({ prot: 1 } as never), { ...invalid, message: /port/ })
  await t.throwsAsync(client.bridgeHttp({ peer: client.id52 }), { code: 'ERR_PEER_ADDRESS' })
  await t.throwsAsync(client.bridgeHttp({ hosts: { a: 'nobody' } }), { code: 'ERR_PEER_ADDRESS' })
  await using first = await client.bridgeHttp()
  await t.throwsAsync(client.bridgeHttp({ port: first.port ?? 0 }), { code: 'ERR_LISTEN' })
  await using _exposed = await server.exposeHttp(80, { allow: 'public' })
  await t.throwsAsync(server.exposeHttp(80, { allow: 'public' }), { code: 'ERR_PROTOCOL_IN_USE' })
})

test('a signal ends a bridge, with the requests that outlast the timeout', async t => {
  await using peers = await pair({ closeTimeout: 50 })
  await using service = await webServer()
  service.server.removeAllListeners('request')
  service.server.on('request', (_request, response) => void response.write('part'))
  await using _exposed = await peers.server.exposeHttp(service.port, { allow: 'public' })
  const controller = new AbortController()
  const bridge = await peers.client.bridgeHttp({ peer: peers.server.address(), signal: controller.signal })
  const sent = request({ host: '127.0.0.1', port: bridge.port, headers: { host: 'localhost' }, agent: false })
  sent.on('error', () => {})
  sent.end()
  const [response] = (await prompt(once(sent, 'response'), 'response')) as [IncomingMessage]
  controller.abort()
  const error = await t.throwsAsync(prompt(text(response), 'reset'))
  t.is((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  await prompt(bridge.closed, 'closed')
})
