// A stream that is used by a web or Node stream stays open until that one ends.
import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { Echo, pair, readAll, turn } from '../helpers/pair.js'

test('http over a duplex continues after the handler returns, and keeps the connection', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const web = http.createServer(async (request, response) => {
    await turn()
    response.end(`answer to ${await text(request)}`)
  })
  const listener = server.listen([[Echo, stream => void web.emit('connection', duplex(stream))]])
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const socket = duplex(await client.getStream(server.address(), Echo))
  agent.createConnection = () => socket
  for (const body of ['one', 'two']) {
    const request = http.request({ agent, method: 'POST', host: 'peer' })
    request.end(body)
    const [response] = await once(request, 'response')
    t.is(await text(response), `answer to ${body}`)
    await turn()
  }
  agent.destroy()
  await server.close()
  await listener.closed
})

test('a pipe from readable to writable continues after the handler returns', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const listener = server.listen([
    [
      Echo,
      stream => {
        void stream.readable.pipeTo(stream.writable)
      }
    ]
  ])
  const stream = await client.getStream(server.address(), Echo)
  for (const line of ['one', 'two']) {
    await stream.write(`${line}\n`)
    t.is(await stream.nextString(), line)
    await turn()
  }
  await stream.finish('end')
  t.is((await readAll(stream)).toString(), 'end')
  await server.close()
  await listener.closed
})

for (const [how, lend] of [
  ['readable cancelled', (stream: PeerStream) => void stream.readable.cancel()],
  ['readable read', async (stream: PeerStream) => void (await new Response(stream.readable).text())],
  ['writable closed', (stream: PeerStream) => void stream.writable.close()],
  ['writable aborted', (stream: PeerStream) => void stream.writable.abort()],
  ['duplex destroyed', (stream: PeerStream) => void duplex(stream).destroy()],
  ['duplex ended', (stream: PeerStream) => void duplex(stream).end('x').resume()]
] as const) {
  test(`listen ends once web and Node streams have ended: ${how}`, async t => {
    await using peers = await pair()
    const { client, server } = peers
    const controller = new AbortController()
    const listener = server.listen([[Echo, lend]], { signal: controller.signal })
    // Not awaited: a handler's reset may overtake its ack.
    const stream = await client.getStream(server.address(), Echo, { ack: 'later' })
    await stream.finish('hello').catch(() => {})
    await stream.read().catch(() => null)
    controller.abort()
    const began = performance.now()
    await listener.closed
    t.true(performance.now() - began < 4000)
  })
}

test('a web or Node stream ends with its connection, and listen does not wait for it', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const controller = new AbortController()
  const listener = server.listen([[Echo, stream => void duplex(stream)]], { signal: controller.signal })
  const stream = await client.getStream(server.address(), Echo)
  stream.connection.close(5, 'bye')
  await turn()
  controller.abort()
  await server.close()
  await listener.closed
  t.pass()
})

test('duplex accepts only a PeerStream', t => {
  for (const wrong of [undefined, null, {}, 'stream', new TransformStream()]) {
    t.throws(() => duplex(wrong as never), { code: 'ERR_INVALID_ARGUMENT', message: /stream must be a PeerStream/ })
  }
})
