// Released versions of malai: their own iroh, and the bytes of their commands.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Endpoint } from 'fastn-net'
import { serving } from '../cli/support/cli.js'
import { endpointFor } from '../helpers/wire.js'
import { MalaiPeer, type MalaiStream } from '../iroh/malai-peer.js'

type Side = 'dialler' | 'acceptor'
type Steps = readonly (readonly [Side, string | null])[]

const golden = JSON.parse(
  readFileSync(new URL('../../crates/fastn-net/tests/golden/malai.json', import.meta.url), 'utf8')
) as Record<string, Steps>

async function peers(t: ExecutionContext): Promise<{ endpoint: Endpoint; malai: MalaiPeer }> {
  const endpoint = await endpointFor(t, { kulfi: true })
  const malai = await MalaiPeer.start()
  t.teardown(() => malai.close())
  await malai.discover(endpoint.address())
  return { endpoint, malai }
}

/** Plays malai's side of an exchange, and checks the other side's bytes. `address` replaces ADDRESS. */
async function play(t: ExecutionContext, stream: MalaiStream, name: string, side: Side, address = ''): Promise<void> {
  for (const [by, step] of golden[name] ?? []) {
    const text = step?.replace('ADDRESS', address)
    if (by === side) await (text === undefined ? stream.finish() : stream.write(text))
    else t.is(text === undefined ? await stream.rest() : await stream.take(text.length), text ?? '')
  }
}

/** A service that answers `question`, and requests of HTTP. Returns its address. */
async function service(t: ExecutionContext): Promise<string> {
  const answers: Partial<Record<string, string>> = {
    question: 'answer',
    'GET /p H': 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer'
  }
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', question => socket.end(answers[String(question).slice(0, 8)] ?? '?'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Asks the service behind a local port. */
async function ask(port: number, before = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(before)
  if (before === '') socket.end('question')
  let heard = ''
  for await (const chunk of socket) {
    if (heard === '' && before !== '') socket.write('question')
    heard += chunk
  }
  return heard
}

test('malai dials: pings, tcp-bridge, http-bridge and http-proxy', async t => {
  const { endpoint, malai } = await peers(t)
  t.is(await malai.version(), '0.35.0')
  const address = await service(t)
  await endpoint.exposeTcp(address, { allow: 'public' })
  await endpoint.exposeProxy({ allow: 'public', targets: ['127.0.0.1'] })
  endpoint.serveHttp(async request => {
    const isAsked = request.method === 'GET' || (await request.text()) === 'question'
    return new Response(isAsked ? new TextEncoder().encode('answer') : null)
  })
  const connection = await malai.connect(endpoint.address())
  for (const name of ['ping', 'tcp', 'connect', 'proxied', 'get', 'post', 'ping']) {
    await play(t, await connection.open(), name, 'dialler', address)
  }
  t.is(endpoint.peers()[0]?.connections[0]?.alpn, '/kulfi/identity/0.1')
})

test('malai accepts: pings, tcp and http-proxy-remote', async t => {
  const { endpoint, malai } = await peers(t)
  const [peer, address] = [await malai.address(), await service(t)]
  const pinging = endpoint.ping(peer)
  const connection = await malai.accept()
  await play(t, await connection.accept(), 'ping', 'acceptor')
  t.true((await pinging) > 0)

  const bridge = await endpoint.bridgeTcp({ peer })
  const asking = ask(bridge.port ?? 0)
  await play(t, await connection.accept(), 'tcp', 'acceptor')
  t.is(await asking, 'answer')

  const proxy = await endpoint.proxy(peer)
  const connecting = ask(proxy.port ?? 0, `CONNECT ${address} HTTP/1.1\r\nHost: ${address}\r\n\r\n`)
  await play(t, await connection.accept(), 'connect', 'acceptor', address)
  t.regex(await connecting, /^HTTP\/1\.1 200 .*\r\n\r\nanswer$/s)
})

test('malai accepts: http, each request on a connection of its own', async t => {
  const { endpoint, malai } = await peers(t)
  const peer = await malai.address()
  const serving = (async () => {
    for (let count = 0; count < 2; count += 1) {
      const stream = await (await malai.accept()).accept()
      t.regex(await stream.rest(), /^"Http"\n\{"uri":"\/p","method":"GET","headers":\[.*\]\}\n$/)
      await stream.write('ack\n{"status":200,"headers":[["content-length",[54]]]}\nanswer')
      await stream.finish()
    }
  })()
  for (let count = 0; count < 2; count += 1) t.is(await (await endpoint.fetch(peer, '/p')).text(), 'answer')
  await serving
})

test('malai reaches a command with --malai', async t => {
  const { endpoint, malai } = await peers(t)
  const address = await service(t)
  const { id52, ticket } = JSON.parse(await serving(t, ['tcp', address, '--public', '--malai', '--json']))
  await endpoint.ping(ticket)
  const [path] = endpoint.peers().find(peer => peer.id52 === id52)?.connections[0]?.paths ?? []
  const connection = await malai.connect({ id52, addresses: [path?.address ?? ''] })
  await play(t, await connection.open(), 'tcp', 'dialler')
})
