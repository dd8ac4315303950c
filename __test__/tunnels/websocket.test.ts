// WebSocket: the server and the client of `ws`, through each kind of tunnel.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import ava, { type ExecutionContext } from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import { alikeOn, connected, type Route, routed, urlOf } from './support/route.js'
import { type Case, cases, compressedCases, type Raw } from './support/websocket-cases.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

// An HTTP proxy carries it by CONNECT.
for (const kind of ['tcp', 'http', 'connect', 'socks5'] as const) {
  for (const perMessageDeflate of [false, true]) {
    test(`answers of a WebSocket are equal${perMessageDeflate ? ', compressed' : ''}, ${kind}`, async t => {
      const direct = await echoServer(t, perMessageDeflate)
      const route = await routed(t, kind, direct)
      for (const each of perMessageDeflate ? compressedCases : cases) {
        const use = async (via: Route) => ({ seen: await played(each, await open(t, via, perMessageDeflate)) })
        const { seen } = await alikeOn(t, route, direct, use, each.title)
        t.is(seen.at(-1)?.split(' ')[1], String(each.code ?? 1000), `${each.title}: ${seen.at(-1)}`)
      }
    })
  }

  test(`many messages pass both ways at once, in order, ${kind}`, async t => {
    const route = await routed(t, kind, await echoServer(t, false))
    const { client } = await open(t, route, false)
    const count = 20_000
    const seen: string[] = []
    const all = new Promise<void>(resolve => {
      client.on('message', data => {
        if (seen.push(String(data)) === count) resolve()
      })
    })
    const sent = Array.from({ length: count }, (_, at) => `${at}`.repeat(1 + (at % 20)))
    for (const message of sent) client.send(message)
    await all
    t.deepEqual(seen, sent)
  })

  test(`a WebSocket whose server is terminated ends without a close frame, ${kind}`, async t => {
    const route = await routed(t, kind, await echoServer(t, false))
    const { client } = await open(t, route, false)
    const closed = once(client, 'close')
    client.on('error', () => {})
    client.send('terminate')
    const [code] = await closed
    t.is(code, 1006)
  })
}

/** Plays a case, and returns the client's events until the end. */
async function played({ play, code }: Case, raw: Raw): Promise<string[]> {
  const { client } = raw
  const seen: string[] = []
  const closed = once(client, 'close')
  client.on('message', (data: Buffer, isBinary) => {
    const sha256 = createHash('sha256').update(data).digest('hex')
    seen.push(`${isBinary ? 'binary' : 'text'} ${data.length} ${sha256}`)
  })
  client.on('error', () => {})
  client.on('pong', data => seen.push(`pong ${data}`))
  await play(raw)
  if (code === undefined) {
    // The answer to a last message arrives after all others.
    const last = new Promise<void>(resolve => {
      client.on('message', data => {
        if (String(data) === 'the last one') resolve()
      })
    })
    client.send('the last one')
    await Promise.race([last, closed])
    client.close(1000)
  }
  const [ended, reason] = await closed
  seen.push(`closed ${ended} ${reason}`)
  return seen
}

async function echoServer(t: ExecutionContext, perMessageDeflate: boolean): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  server.on('connection', client => {
    client.on('error', () => {})
    client.on('message', (data, isBinary) => {
      if (!isBinary && String(data) === 'terminate') client.terminate()
      else client.send(data, { binary: isBinary })
    })
  })
  await once(server, 'listening')
  t.teardown(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return (server.address() as { port: number }).port
}

async function open(t: ExecutionContext, route: Route, perMessageDeflate: boolean): Promise<Raw> {
  const socket = await connected(route)
  const client = new WebSocket(urlOf(route, '/', 'ws'), { perMessageDeflate, createConnection: () => socket })
  t.teardown(() => client.terminate())
  await once(client, 'open')
  t.is(client.extensions, perMessageDeflate ? 'permessage-deflate' : '')
  return { client, socket }
}
