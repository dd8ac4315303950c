// serveHttp and serveNodeHttp that stop, with streams that peers keep for further requests.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { type Endpoint, type PeerStream, Protocol } from 'fastn-net'
import { serveNodeHttp } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

const protocol = Protocol.generic({ fastn: 'http', service: '' })
const request = 'GET / HTTP/1.1\r\nhost: peer\r\n\r\n'

/** A stream whose first request was answered. */
async function keptStream(client: Endpoint, server: Endpoint): Promise<PeerStream> {
  const stream = await client.getStream(server.address(), protocol)
  await stream.write(request)
  const answer = Buffer.from((await stream.read()) ?? []).toString()
  // The server offers to answer another request.
  if (!answer.startsWith('HTTP/1.1 200') || /^connection: close/im.test(answer)) throw new Error(answer)
  return stream
}

test('closing a listener ends the streams that wait for another request', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const listener = server.serveHttp(() => new Response('ok'))
  const stream = await keptStream(client, server)
  await prompt(listener.close({ timeout: 60_000 }), 'close')
  t.is(await stream.read(), null)
})

test('a request in progress is the last one of its stream', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let answer = () => {}
  let asked = () => {}
  const wasAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  let requests = 0
  const listener = server.serveHttp(async () => {
    if (++requests === 2) {
      asked()
      await new Promise<void>(resolve => {
        answer = resolve
      })
    }
    return new Response(`answer ${requests}`)
  })
  const stream = await keptStream(client, server)
  await stream.write(`${request}${request}`)
  await wasAsked
  const closed = listener.close({ timeout: 60_000 })
  answer()
  const text = await stream.text()
  t.regex(text, /^connection: close\r$/m)
  t.true(text.endsWith('answer 2'))
  t.is(requests, 2)
  await prompt(closed, 'close')
})

test('its signal and a drain also end streams that wait for another request', async t => {
  await using ends = await pair({}, { closeTimeout: 60_000 })
  const { client, server } = ends
  const controller = new AbortController()
  const first = server.serveHttp(() => new Response('ok'), { signal: controller.signal })
  const stream = await keptStream(client, server)
  controller.abort()
  t.is(await stream.read(), null)
  await prompt(first.closed, 'closed')

  server.serveHttp(() => new Response('ok'))
  const other = await keptStream(client, server)
  server.drain()
  t.is(await other.read(), null)
  await prompt(server.close({ timeout: 60_000 }), 'close')
})

test('closing serveNodeHttp ends the idle streams of peers, but not the sockets of a local port', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const agent = new http.Agent({ keepAlive: true })
  t.teardown(() => {
    agent.destroy()
    web.close()
  })
  const socketOfRequest = async () => {
    const [answer] = (await once(http.get({ agent, port: (web.address() as AddressInfo).port }), 'response')) as [
      http.IncomingMessage
    ]
    const { socket } = answer
    await once(answer.resume(), 'close')
    return socket
  }
  const listener = serveNodeHttp(server, web)
  const kept: Socket = await socketOfRequest()
  const stream = await keptStream(client, server)
  await prompt(listener.close({ timeout: 60_000 }), 'close')
  t.is(await stream.read(), null)
  t.is(await socketOfRequest(), kept)
})

for (const hasHead of [false, true]) {
  test(`a request of serveNodeHttp whose head ${hasHead ? 'has left' : 'is to come'} is the last of its stream`, async t => {
    await using ends = await pair()
    const { client, server } = ends
    let begin: (response: http.ServerResponse) => void = () => {}
    const begun = new Promise<http.ServerResponse>(resolve => {
      begin = resolve
    })
    let requests = 0
    const listener = serveNodeHttp(server, (_, response) => {
      if (++requests === 1) return void response.end('first')
      if (hasHead) response.write('begun ')
      begin(response)
    })
    const stream = await keptStream(client, server)
    await stream.write(request)
    const response = await begun
    const closed = listener.close({ timeout: 60_000 })
    await setImmediate()
    response.end('answer')
    const text = await stream.text()
    t.is(/^connection: close\r$/im.test(text), !hasHead)
    t.true(text.includes('answer'))
    await prompt(closed, 'close')
  })
}

test('the first request of a stream is answered even after serveNodeHttp has stopped', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const web = http.createServer((_, response) => response.end('ok'))
  const connected = once(web, 'connection')
  const listener = serveNodeHttp(server, web)
  const stream = await client.getStream(server.address(), protocol)
  await connected
  const closed = listener.close({ timeout: 60_000 })
  await stream.write(request)
  const text = await stream.text()
  t.regex(text, /^connection: close\r$/im)
  t.true(text.endsWith('ok'))
  await prompt(closed, 'close')
})
