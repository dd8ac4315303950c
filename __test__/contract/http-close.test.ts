// serveHttp that stops, with streams of peers that keep them for further requests.
import test from 'ava'
import { type Endpoint, type PeerStream, Protocol } from 'fastn-net'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

const protocol = Protocol.generic({ fastn: 'http', service: '' })
const request = 'GET / HTTP/1.1\r\nhost: peer\r\n\r\n'

/** A stream whose first request was answered. */
async function keptStream(client: Endpoint, server: Endpoint): Promise<PeerStream> {
  const stream = await client.getStream(server.address(), protocol)
  await stream.write(request)
  const answer = Buffer.from((await stream.read()) ?? []).toString()
  // It offers to answer another request.
  if (!answer.startsWith('HTTP/1.1 200') || /^connection: close/im.test(answer)) throw new Error(answer)
  return stream
}

test('a listener that closes ends the streams that wait for another request', async t => {
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

test('the signal and a drain end them too', async t => {
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
