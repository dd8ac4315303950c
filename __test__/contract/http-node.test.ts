// node:http over streams of peers: agent and server, beside fetch and serveHttp.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { Endpoint } from 'fastn-net'
import { type duplex, httpAgent, peerConnector, serveNodeHttp } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'

async function ask(agent: http.Agent, path: string, init: http.RequestOptions = {}, body?: string) {
  const request = http.request(`http://peer${path}`, { agent, ...init })
  request.end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return { response, text: await text(response) }
}

type Serve = (server: Endpoint) => unknown

const servers: Record<string, Serve> = {
  serveHttp: server =>
    server.serveHttp(async request => {
      const { pathname } = new URL(request.url)
      return new Response(`${request.method} ${pathname} ${request.headers.get('fastn-peer')} ${await request.text()}`)
    }),
  serveNodeHttp: server =>
    serveNodeHttp(server, async (request, response) => {
      response.end(`${request.method} ${request.url} ${request.headers['fastn-peer']} ${await text(request)}`)
    })
}

for (const [name, serve] of Object.entries(servers)) {
  test(`${name} answers an agent, several requests on a stream, and fetch`, async t => {
    await using ends = await pair()
    const { client, server } = ends
    serve(server)
    const agent = httpAgent(client, server.address(), { maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const headers = { 'fastn-peer': 'forged', 'Fastn-Peer': 'forged' }
    const sockets = new Set<unknown>()
    for (let at = 0; at < 3; at++) {
      const { text: answer, response } = await ask(agent, `/${at}`, { method: 'POST', headers }, 'body')
      t.is(answer, `POST /${at} ${client.id52} body`)
      sockets.add(response.socket)
    }
    t.is(sockets.size, 1)
    const response = await client.fetch(server.address(), '/f', { method: 'PUT', body: 'x', headers })
    t.is(await response.text(), `PUT /f ${client.id52} x`)
    const slow = async function* () {
      for (let at = 0; at < 3; at++) {
        await new Promise(resolve => setTimeout(resolve, 5))
        yield Buffer.from(String(at))
      }
    }
    const streamed = await client.fetch(server.address(), '/s', { method: 'POST', body: slow() })
    t.is(await streamed.text(), `POST /s ${client.id52} 012`)
  })
}

test('an agent sends many concurrent requests, and those to a missing service fail', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(request => new Response(new URL(request.url).pathname))
  const agent = httpAgent(client, server.address(), { maxSockets: 20 })
  const absent = httpAgent(client, server.address(), { service: 'absent' })
  t.teardown(() => agent.destroy())
  const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => ask(agent, `/${at}`)))
  t.deepEqual(
    answers.map(answer => answer.text),
    Array.from({ length: 200 }, (_, at) => `/${at}`)
  )
  await t.throwsAsync(ask(absent, '/'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('an http.Server gets upgrades of peers', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer()
  web.on('upgrade', (request: http.IncomingMessage, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n`)
    socket.write(`${request.headers['fastn-peer']}\n`)
    socket.pipe(socket)
  })
  serveNodeHttp(server, web, { service: 'upgrade' })
  const agent = httpAgent(client, server.address(), { service: 'upgrade' })
  const request = http.request('http://peer/', { agent, headers: { connection: 'Upgrade', upgrade: 'echo' } })
  request.end()
  const [, socket, head] = (await once(request, 'upgrade')) as [unknown, ReturnType<typeof duplex>, Buffer]
  socket.end('hello')
  t.is(`${head}${await text(socket)}`, `${client.id52}\nhello`)
})

test('requests with Upgrade or Expect are answered by a handler that supports neither', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer(async (request, response) => {
    response.end(`${request.method} ${request.headers['fastn-peer']} ${await text(request)}`)
  })
  serveNodeHttp(server, web)
  serveNodeHttp(server, web, { service: 'again' })
  await once(web.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => web.close())
  const { port } = web.address() as AddressInfo
  const tcp = new http.Agent()
  const agent = httpAgent(client, server.address(), { service: 'again' })
  t.teardown(() => agent.destroy())
  for (const [by, name, to] of [
    [agent, client.id52, {}],
    [tcp, undefined, { hostname: '127.0.0.1', port }]
  ] as const) {
    const upgrade = { connection: 'upgrade', upgrade: 'h2c', 'fastn-peer': 'forged' }
    t.is((await ask(by, '/', { ...to, headers: upgrade })).text, `GET ${name} `)
    const expect = { expect: '100-continue', 'fastn-peer': 'forged' }
    t.is((await ask(by, '/', { ...to, method: 'POST', headers: expect }, 'x')).text, `POST ${name} x`)
  }
})

test('interim answers reach an agent, and fetch skips them', async t => {
  await using ends = await pair()
  const { client, server } = ends
  serveNodeHttp(server, (_, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.writeEarlyHints({ link: '</script.js>; rel=preload' })
    response.end('page')
  })
  const response = await client.fetch(server.address(), '/')
  t.deepEqual([response.status, response.headers.get('link'), await response.text()], [200, null, 'page'])
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  const request = http.request('http://peer/', { agent })
  const statuses: number[] = []
  request.on('information', ({ statusCode }) => statuses.push(statusCode))
  request.end()
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
  t.deepEqual([statuses, await text(answer)], [[102, 103, 103], 'page'])
})

test('a listener for upgrades gets the peer, even if it is added later and the caller forges headers', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer()
  serveNodeHttp(server, web)
  web.on('upgrade', (request: http.IncomingMessage, socket) => {
    const { headers, headersDistinct, rawHeaders } = request
    const raw = rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === 'fastn-peer')
    const seen = JSON.stringify([headers['fastn-peer'], raw, headersDistinct['x-last'], headers['x-forwarded_for']])
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n${seen}`)
  })
  const agent = httpAgent(client, server.address())
  const forged = { 'fastn-peer': ['a', 'b'], 'X-Forwarded_For': 'c', 'x-last': '1' }
  const request = http.request('http://peer/', {
    agent,
    headers: { connection: 'Upgrade', upgrade: 'echo', ...forged }
  })
  request.end()
  const [, socket, head] = (await once(request, 'upgrade')) as [unknown, ReturnType<typeof duplex>, Buffer]
  socket.end()
  t.deepEqual(JSON.parse(`${head}${await text(socket)}`), [client.id52, [client.id52], ['1'], null])
})

test('no trailer names the peer, or a field that frames or routes the message', async t => {
  await using ends = await pair()
  const { client, server } = ends
  serveNodeHttp(server, async (request, response) => {
    const before = request.trailers
    await text(request)
    const { rawTrailers, trailers, trailersDistinct, headers, headersDistinct } = request
    const announced = [headers.trailer, headersDistinct.trailer]
    response.end(JSON.stringify({ before, rawTrailers, trailers, trailersDistinct, announced }))
  })
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  const send = async (announced: string, trailers: [string, string][]) => {
    const request = http.request('http://peer/', { agent, method: 'POST', headers: { trailer: announced } })
    request.write('body')
    request.addTrailers(trailers)
    request.end()
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return JSON.parse(await text(response))
  }
  const forged: [string, string][] = [
    ['fastn-peer', 'EVIL'],
    ['Fastn-Access', 'self'],
    ['host', 'evil'],
    ['authorization', 'evil']
  ]
  t.deepEqual(await send('fastn-peer, x-ok', [...forged, ['X-Ok', '1'], ['x-ok', '2']]), {
    before: {},
    rawTrailers: ['X-Ok', '1', 'x-ok', '2'],
    trailers: { 'x-ok': '1, 2' },
    trailersDistinct: { 'x-ok': ['1', '2'] },
    announced: ['x-ok', ['x-ok']]
  })
  const nothing = { before: {}, rawTrailers: [], trailers: {}, trailersDistinct: {}, announced: [null, null] }
  t.deepEqual(await send('fastn-peer', forged), nothing)
})

test('invalid arguments are rejected', async t => {
  await using ends = await pair()
  const { server } = ends
  t.throws(() => serveNodeHttp(server, 'x' as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => httpAgent(server, server.id52, { host: 'x' } as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => httpAgent(server, server.id52, { service: 5 } as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('a missing or misplaced argument is an error that says how to call', async t => {
  await using peers = await pair()
  const { client } = peers
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  const message = /^input must be .*: write '\/path'$/
  await t.throwsAsync(client.fetch('http://peer/x', undefined as never), { ...invalid, message })
  for (const [call, given] of [
    [httpAgent, 'httpAgent(endpoint, peer)'],
    [peerConnector, 'peerConnector(endpoint, peer)'],
    [serveNodeHttp, 'serveNodeHttp(endpoint, handler)']
  ] as const) {
    const message = `endpoint must be an Endpoint, not a string: write ${given}`
    t.throws(() => call(client.id52 as never, client as never), { ...invalid, message })
  }
})
