// Unmodified HTTP libraries over a peer: axios, got, undici, Express and Hono.
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { httpAgent, peerConnector, serveNodeHttp } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'
import { load } from './support/load.js'

const big = 'x'.repeat(300_000)

/** An Express app behind a peer, and a client of it. */
async function express(t: ExecutionContext) {
  const ends = await pair()
  t.teardown(() => ends[Symbol.asyncDispose]())
  const { client, server } = ends
  const { default: make } = await load('express')
  const app = make()
  app.use(make.json())
  app.get('/items/:id', (request: never, response: never) => answer(request, response))
  app.post('/items', (request: { body: unknown }, response: { json(body: unknown): void }) =>
    response.json(request.body)
  )
  app.put('/big', async (request: Readable, response: { send(body: string): void }) =>
    response.send(String((await text(request)).length))
  )
  app.get('/stream', (_: unknown, response: never) => Readable.from([big, big]).pipe(response))
  app.get('/here', (_: unknown, response: { redirect(to: string): void }) => response.redirect('/items/1'))
  app.get('/fails', () => {
    throw new Error('as planned')
  })
  const requested = new Promise<Readable>(resolve => {
    app.get('/never', (request: Readable) => resolve(request))
  })
  app.set('env', 'test')
  const peers = serveNodeHttp(server, app)
  return { client, server, peers, requested }
}

interface ExpressRequest {
  readonly params: { readonly id: string }
  readonly query: { readonly q?: string }
  get(name: string): string | undefined
}

function answer(
  request: ExpressRequest,
  response: { cookie(name: string, value: string): { json(body: unknown): void } }
) {
  response.cookie('seen', 'yes').json({ id: request.params.id, q: request.query.q, peer: request.get('fastn-peer') })
}

test('Express answers fetch: routes, JSON bodies, cookies, streams, redirects, errors', async t => {
  const { client, server } = await express(t)
  const ask = (path: string, init = {}) => client.fetch(server.address(), path, init)
  const got = await ask('/items/7?q=a')
  t.deepEqual(await got.json(), { id: '7', q: 'a', peer: client.id52 })
  t.regex(got.headers.get('set-cookie') ?? '', /^seen=yes/)
  const init = { method: 'POST', body: '{"a":[1]}', headers: { 'content-type': 'application/json' } }
  t.deepEqual(await (await ask('/items', init)).json(), { a: [1] })
  t.is(await (await ask('/big', { method: 'PUT', body: big })).text(), '300000')
  t.is((await (await ask('/stream')).text()).length, 600_000)
  t.is((await ask('/here')).url, `http://${server.id52}/items/1`)
  t.is((await ask('/fails')).status, 500)
  t.is((await ask('/none')).status, 404)
})

test('axios over an httpAgent', async t => {
  const { client, server, requested } = await express(t)
  const { default: axios } = await load('axios')
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  const api = axios.create({ baseURL: 'http://peer', httpAgent: agent, proxy: false })
  const got = await api.get('/items/7', { params: { q: 'b' } })
  t.deepEqual(got.data, { id: '7', q: 'b', peer: client.id52 })
  t.deepEqual((await api.post('/items', { a: [1] })).data, { a: [1] })
  t.is((await api.get('/here')).data.id, '1')
  t.is((await api.put('/big', big)).data, 300_000)
  t.is((await api.get('/none').catch((error: { response: { status: number } }) => error)).response.status, 404)
  const controller = new AbortController()
  const asked = api.get('/never', { signal: controller.signal })
  const request = await requested
  controller.abort()
  await t.throwsAsync(asked, { code: 'ERR_CANCELED' })
  await new Promise(resolve => void request.once('close', resolve))
})

test('got over an httpAgent', async t => {
  const { client, server } = await express(t)
  const { default: got } = await load('got')
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  const api = got.extend({ prefixUrl: 'http://peer', agent: { http: agent }, retry: { limit: 0 } })
  t.deepEqual(await api.get('items/7?q=c').json(), { id: '7', q: 'c', peer: client.id52 })
  t.deepEqual(await api.post('items', { json: { a: [1] } }).json(), { a: [1] })
  t.is((await api.get('here').json()).id, '1')
  t.is((await text(api.stream('stream'))).length, 600_000)
  await t.throwsAsync(api.get('none').text(), { message: /404/ })
})

test('undici over a peerConnector: request, fetch, many at once, a peer that is not there', async t => {
  const { client, server, peers } = await express(t)
  const { Agent, request, fetch } = await load('undici')
  const dispatcher = new Agent({ connect: peerConnector(client, server.address()), connections: 4 })
  t.teardown(() => dispatcher.destroy())
  const { statusCode, body } = await request('http://peer/items/7?q=d', { dispatcher })
  t.is(statusCode, 200)
  t.deepEqual(await body.json(), { id: '7', q: 'd', peer: client.id52 })
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => (await fetch(`http://peer/items/${at}`, { dispatcher })).json())
  )
  t.deepEqual(
    answers.map(({ id }) => id),
    Array.from({ length: 50 }, (_, at) => String(at))
  )
  const streamed = await fetch('http://peer/stream', { dispatcher })
  t.is((await streamed.text()).length, 600_000)
  const put = await fetch('http://peer/big', {
    dispatcher,
    method: 'PUT',
    body: Readable.from([Buffer.from(big)]),
    duplex: 'half'
  })
  t.is(await put.text(), '300000')
  const named = new Agent({ connect: peerConnector(client, server.address(), { service: 'none' }) })
  t.teardown(() => named.destroy())
  await t.throwsAsync(request('http://peer/', { dispatcher: named }))
  await peers.close()
})
