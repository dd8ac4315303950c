// The router: ambiguous requests and other bad input. None reaches a target.
import test from 'ava'
import { createEndpoint } from 'fastn-net'
import { createRouter } from 'fastn-net/router'
import { requestPair } from '../helpers/requests.js'
import { exchange, webServer } from '../helpers/web.js'

const host = 'host: web.localhost\r\n'
const smuggled = `GET /smuggled HTTP/1.1\r\n${host}connection: close\r\n\r\n`

/** Requests that must get exactly one answer, with this status: the bytes after them are not a request. */
const messages: [name: string, message: string, status: RegExp][] = [
  [
    'length and coding',
    `POST / HTTP/1.1\r\n${host}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    /400/
  ],
  [
    'coding and length',
    `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`,
    /400/
  ],
  ['two lengths', `POST / HTTP/1.1\r\n${host}content-length: 0\r\ncontent-length: 5\r\n\r\n`, /400/],
  ['a length with a sign', `POST / HTTP/1.1\r\n${host}content-length: +3\r\n\r\nabc`, /400/],
  ['a length that is none', `POST / HTTP/1.1\r\n${host}content-length: 0x3\r\n\r\nabc`, /400/],
  ['another coding', `POST / HTTP/1.1\r\n${host}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, /501/],
  ['an unknown coding', `POST / HTTP/1.1\r\n${host}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`, /400|501/],
  [
    'two codings',
    `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    /400|501/
  ],
  ['two hosts', `GET / HTTP/1.1\r\n${host}host: other.localhost\r\n\r\n`, /400/],
  ['no host', 'GET / HTTP/1.1\r\n\r\n', /400/],
  ['a bare LF', `GET / HTTP/1.1\n${host}\n`, /400/],
  ['a bare LF within the head', `GET / HTTP/1.1\r\n${host}x: y\nz: w\r\n\r\n`, /400/],
  ['a bare CR', `GET / HTTP/1.1\r\n${host}x: y\rz: w\r\n\r\n`, /400/],
  ['a space before the colon', `GET / HTTP/1.1\r\n${host}content-length : 3\r\n\r\nabc`, /400/],
  ['a folded line', `GET / HTTP/1.1\r\n${host}x: y\r\n z\r\n\r\n`, /400/],
  ['a NUL', `GET / HTTP/1.1\r\n${host}x: y\0z\r\n\r\n`, /400/],
  ['a line without a colon', `GET / HTTP/1.1\r\n${host}x\r\n\r\n`, /400/],
  ['a chunk without a size', `POST / HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\nxyz\r\n`, /400/],
  ['a long head', `GET / HTTP/1.1\r\n${host}x: ${'y'.repeat(70_000)}\r\n\r\n`, /431/],
  ['no HTTP', 'hello\r\n\r\n', /400/],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /400/]
]

for (const [name, message, status] of messages) {
  test(`${name} gets an error, and nothing that follows is a request`, async t => {
    await using endpoint = await createEndpoint({ network: 'loopback' })
    const paths: string[] = []
    await using service = await webServer((asked, response) => {
      paths.push(asked.url ?? '')
      asked.resume()
      response.end('reached')
    })
    await using router = await createRouter({ endpoint, hosts: { web: { backend: service.port } } })
    const answer = await exchange(router.port, `${message}${smuggled}`)
    const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(match => match[1] ?? '')
    t.regex(statuses[0] ?? '', status, answer)
    // After a message with a length, another request may follow; router and client then agree on the length.
    const follows = /501|two hosts/.test(`${statuses[0]} ${name}`)
    t.true(statuses.length === 1 || follows, answer)
    if (!follows) t.deepEqual(paths, [])
    t.false(paths.includes('/'))
  })
}

test('pipelined requests are answered in order', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using service = await webServer((asked, response) => response.end(asked.url))
  await using router = await createRouter({
    endpoint,
    hosts: { web: { backend: service.port }, other: request => new Response(new URL(request.url).host) }
  })
  const all = `GET /1 HTTP/1.1\r\n${host}\r\nGET /2 HTTP/1.1\r\nhost: other.localhost\r\n\r\n${smuggled}`
  const answer = await exchange(router.port, all)
  t.deepEqual(answer.match(/\/1(?=HTTP)|other\.localhost(?=HTTP)|\/smuggled$/g), ['/1', 'other.localhost', '/smuggled'])
})

test('requests that handlers do not support get a status', async t => {
  const { client, server, peer } = await requestPair(t)
  const handler = async (request: Request) => new Response(String((await request.text()).length))
  await using router = await createRouter({
    endpoint: server,
    onError: error => t.fail(String(error)),
    hosts: { web: { handler, maxBodyBytes: 10, allow: 'public' } }
  })
  const status = async (message: string) => /^HTTP\/1\.1 (\d+)/.exec(await exchange(router.port, message))?.[1]
  const close = 'connection: close\r\n'
  t.is(await status(`TRACE / HTTP/1.1\r\n${host}${close}\r\n`), '501')
  t.is(await status(`GET / HTTP/1.1\r\n${host}${close}content-length: 1\r\n\r\nx`), '400')
  t.is(await status(`POST / HTTP/1.1\r\n${host}${close}content-length: 11\r\n\r\n12345678901`), '413')
  t.is(await status(`POST / HTTP/1.1\r\n${host}${close}content-length: 10\r\n\r\n1234567890`), '200')
  const chunked = `POST / HTTP/1.1\r\n${host}${close}transfer-encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n`
  t.is(await status(chunked), '413')
  t.is(await status(`OPTIONS * HTTP/1.1\r\n${host}${close}\r\n`), '400')
  t.is((await client.fetch(peer, '/', { service: 'web', method: 'POST', body: '12345678901' })).status, 413)
})

test('responses that are not HTTP become status 502', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const answers: Record<string, string> = {
    none: 'hello',
    both: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    lengths: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxy',
    coding: 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    field: 'HTTP/1.1 200 OK\r\nx : y\r\ncontent-length: 0\r\n\r\n',
    switched: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
  }
  await using service = await webServer((asked, response) => {
    response.socket?.end(answers[asked.url?.slice(1) ?? ''] ?? '')
  })
  await using router = await createRouter({ endpoint, hosts: { web: { backend: service.port } } })
  for (const name of Object.keys(answers)) {
    const answer = await exchange(router.port, `GET /${name} HTTP/1.1\r\n${host}connection: close\r\n\r\n`)
    t.regex(answer, /^HTTP\/1\.1 502 /, name)
  }
})

test('trailers cannot forge an identity or frame the message', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using service = await webServer(async (asked, response) => {
    for await (const _ of asked);
    response.setHeader('trailer', 'x-sum, fastn-peer, connection')
    response.write(JSON.stringify([asked.headers.trailer ?? null, asked.rawTrailers]))
    response.addTrailers({ 'x-sum': '42', 'fastn-peer': 'bob', connection: 'close' })
    response.end()
  })
  await using router = await createRouter({ endpoint, hosts: { web: { backend: service.port } } })
  const forged = [
    'fastn-peer',
    'Fastn-Access',
    'fastn_peer',
    'X-Forwarded-For',
    'Connection',
    'content_length',
    'Cookie'
  ]
  const post = (announced: string, names: string[]) => {
    const lines = names.map(name => `${name}: x\r\n`).join('')
    const head = `POST / HTTP/1.1\r\n${host}connection: close\r\ntransfer-encoding: chunked\r\n`
    return exchange(router.port, `${head}te: trailers\r\ntrailer: ${announced}\r\n\r\n1\r\nx\r\n0\r\n${lines}\r\n`)
  }
  const some = await post(`${forged.join(', ')}, Digest`, [...forged, 'Digest'])
  t.true(some.includes('["Digest",["Digest","x"]]'), some)
  t.regex(some, /\r\ntrailer: x-sum\r\n/i)
  t.regex(some, /\r\n0\r\nx-sum: 42\r\n\r\n$/i)
  const none = await post(forged.join(','), forged)
  t.true(none.includes('[null,[]]'), none)
})
