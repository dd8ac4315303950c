// tcpToPeer, peerToTcp, httpToPeer and peerToHttp: one stream of a peer, and one connection.
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { isFastnNetError, type PeerStream } from 'fastn-net'
import { httpToPeer, peerToHttp, peerToTcp, tcpToPeer } from 'fastn-net/node'
import { pair, pattern } from '../helpers/pair.js'

async function listening(t: ExecutionContext, server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A TCP service behind a peer, and a local port that leads to it. `outcomes`: the result of each end of the tunnel. */
async function tunnel(t: ExecutionContext, serve: (socket: Socket) => void) {
  const ends = await pair()
  t.teardown(() => ends[Symbol.asyncDispose]())
  const { client, server } = ends
  const target = await listening(t, net.createServer({ allowHalfOpen: true }, serve))
  const outcomes: Promise<unknown>[] = []
  const settled = (work: Promise<void>) => {
    outcomes.push(work.catch((error: unknown) => error))
  }
  server.listen({ Tcp: stream => settled(peerToTcp(stream, `127.0.0.1:${target}`)) })
  const port = await listening(
    t,
    net.createServer(socket => {
      // The client may reset it before there is a stream.
      socket.on('error', () => {})
      client.getStream(server.address(), 'Tcp').then(
        stream => settled(tcpToPeer(socket, stream)),
        error => socket.destroy(error)
      )
    })
  )
  return { port, outcomes }
}

test('TCP: bytes and half-closes pass both ways', async t => {
  const bytes = pattern(3_000_000)
  const { port, outcomes } = await tunnel(t, async socket => {
    const got: Buffer[] = []
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) got.push(chunk)
    socket.end(Buffer.concat(got))
  })
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(bytes)
  const got: Buffer[] = []
  for await (const chunk of socket) got.push(chunk)
  t.is(Buffer.compare(Buffer.concat(got), bytes), 0)
  t.deepEqual(await Promise.all(outcomes), [undefined, undefined])
})

test('TCP: a service that ends first still receives bytes', async t => {
  let received = ''
  const { port } = await tunnel(t, async socket => {
    socket.end('greeting')
    received = await text(socket)
  })
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.is(await text(socket.iterator({ destroyOnReturn: false })), 'greeting')
  socket.end('late')
  await once(socket, 'close')
  for (let tries = 0; received === '' && tries < 200; tries++) await new Promise(resolve => setTimeout(resolve, 10))
  t.is(received, 'late')
})

for (const side of ['service', 'client'] as const) {
  test(`TCP: a ${side} that resets is a reset at the other end`, async t => {
    let reset = () => {}
    let seen: (error: unknown) => void = () => {}
    const failed = new Promise(resolve => {
      seen = resolve
    })
    const { port } = await tunnel(t, socket => {
      socket.write('hello')
      socket.on('error', error => side === 'client' && seen(error))
      reset = () => socket.resetAndDestroy()
    })
    const socket = net.connect({ port, host: '127.0.0.1' })
    socket.on('error', error => side === 'service' && seen(error))
    await once(socket, 'data')
    if (side === 'service') reset()
    else socket.resetAndDestroy()
    t.is(((await failed) as { code?: string }).code, 'ECONNRESET')
  })
}

test('TCP: a target that refuses is ERR_TARGET and a reset, an abort is a reset', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const outcomes: Promise<unknown>[] = []
  const controller = new AbortController()
  const silent = await listening(
    t,
    net.createServer(() => {})
  )
  let target = 1
  server.listen({
    Tcp(stream) {
      outcomes.push(peerToTcp(stream, target, { signal: controller.signal }).catch((error: unknown) => error))
    }
  })
  // The reset may overtake the acknowledgement.
  const refused = client.getStream(server.address(), 'Tcp').then(stream => stream.read())
  await t.throwsAsync(refused, { code: 'ERR_STREAM_RESET' })
  t.true(isFastnNetError(await outcomes[0], 'ERR_TARGET'))
  target = silent
  const aborted = await client.getStream(server.address(), 'Tcp')
  await aborted.write('x')
  const reason = new Error('enough')
  controller.abort(reason)
  await t.throwsAsync(aborted.read(), { code: 'ERR_STREAM_RESET' })
  t.is(await outcomes[1], reason)
})

for (const protocol of ['Http', { Generic: { fastn: 'http', service: 'one' } }] as const) {
  test(`HTTP: one stream of ${JSON.stringify(protocol)} to a node:http server, and its answer`, async t => {
    await using ends = await pair()
    const { client, server } = ends
    let reset = () => {}
    const web = http.createServer(async (request, response) => {
      if (request.url === '/cut') {
        reset = () => response.socket?.resetAndDestroy()
        response.write('part')
        return
      }
      if (request.url === '/never') return
      const { method, url, headers } = request
      response.setHeader('set-cookie', ['a=1', 'b=2'])
      response.writeHead(201, 'Made')
      response.end(JSON.stringify([method, url, headers['fastn-peer'], headers['x-a'], await text(request)]))
    })
    const port = await listening(t, web)
    t.teardown(() => web.closeAllConnections())
    const errors: unknown[] = []
    const serve = (stream: PeerStream) => peerToHttp(stream, port, { answerTimeout: 500 })
    server.listen([[protocol, serve]], { onError: error => errors.push(error) })
    const ask = async (path: string, init = {}) =>
      await httpToPeer(await client.getStream(server.address(), protocol), path, init)
    const headers = { 'x-a': 'b', 'fastn-peer': 'forged' }
    const body = 'x'.repeat(100_000)
    const response = await ask('/p?q', { method: 'POST', body, headers })
    t.is(response.status, 201)
    t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    t.is(response.headers.get('date')?.split(',').length, 2)
    t.deepEqual(await response.json(), ['POST', '/p?q', client.id52, 'b', body])
    t.is((await (await ask('/')).text()).slice(0, 11), '["GET","/",')
    t.is((await ask('/never')).status, 504)
    const cut = await ask('/cut')
    reset()
    await t.throwsAsync(cut.text(), { code: 'ERR_STREAM_RESET' })
    web.close()
    web.closeAllConnections()
    await once(web, 'close')
    t.is((await ask('/')).status, 502)
    t.is(errors.length, 1)
  })
}

test('HTTP: a server gets no forged field about the peer, in any spelling', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer((request, response) => response.end(JSON.stringify(request.headers)))
  const port = await listening(t, web)
  t.teardown(() => web.closeAllConnections())
  server.listen({ Http: stream => peerToHttp(stream, port) })
  const claims = ['fastn_peer', 'Fastn.Peer', 'X-Forwarded-For', 'x_forwarded.host', 'x-real_ip', 'forwarded']
  const others = { 'x-forward': 'b', 'x-a.b': 'b', from: 'b' }
  const headers: Record<string, string> = { ...others }
  for (const name of [...claims, 'True-Client-IP', 'x~client-ip']) headers[name] = 'forged'
  const response = await httpToPeer(await client.getStream(server.address(), 'Http'), '/', { headers })
  const seen = (await response.json()) as Record<string, string>
  t.false(Object.values(seen).includes('forged'), JSON.stringify(seen))
  t.like(seen, { ...others, 'fastn-peer': client.id52 })
})

test('invalid arguments are rejected', async t => {
  await using ends = await pair()
  const [stream] = await ends.stream()
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(tcpToPeer({} as never, stream), invalid)
  await t.throwsAsync(tcpToPeer(new net.Socket(), {} as never), invalid)
  await t.throwsAsync(peerToTcp(stream, 'nowhere'), invalid)
  await t.throwsAsync(peerToTcp(stream, 0), invalid)
  await t.throwsAsync(peerToTcp(stream, 1, { timeout: 1 } as never), invalid)
  await t.throwsAsync(peerToHttp(stream, 'nowhere'), invalid)
  await t.throwsAsync(peerToHttp({} as never, 1), invalid)
  await t.throwsAsync(httpToPeer(stream, 'nowhere'), invalid)
  await t.throwsAsync(httpToPeer(stream, undefined as never), { ...invalid, message: /^input must be a path/ })
  await t.throwsAsync(httpToPeer(stream, '/', { methods: 'PUT' } as never), { ...invalid, message: /'method'\?$/ })
})
