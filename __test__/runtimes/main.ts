// The same scenes under each supported runtime: `npm run test:runtimes`. Without ava, which supports only Node.js.
// Arguments: the command with which this runtime starts a program.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Endpoint, type FastnNetError, getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { duplex, httpAgent, serveNodeHttp } from 'fastn-net/node'
import { createRouter } from 'fastn-net/router'
import { services } from './services.js'

/** Machines differ, and QEMU is many times slower: `npm run test:foreign` says how many. */
const slowness = Number(process.env.FASTN_NET_TEST_SLOWNESS ?? 1)
const generous = 60_000 * slowness
const start = process.argv.slice(2)

const [server, client] = [await fresh(), await fresh()]
const { id52 } = server
const address = server.address()
// Answered by Node's HTTP server, which uses the stream as a socket.
const http = createServer((_, response) => response.end('served'))
const listener = server.listen(
  {
    async AccountToAccount(stream) {
      await stream.write(`${JSON.stringify(await stream.nextJson())}\n`)
    },
    async Tcp(stream) {
      for await (const chunk of stream) await stream.write(chunk)
    },
    async Http(stream) {
      const socket = duplex(stream)
      http.emit('connection', socket)
      await once(socket, 'close')
    },
    RigControl() {
      throw new Error('as planned')
    }
  },
  { onError: () => {} }
)

const scenes: Record<string, () => Promise<void>> = {
  async 'exchanges a request and an answer'() {
    const stream = await client.getStream(address, 'AccountToAccount')
    await stream.finish('{"hello":"world"}\n')
    assert.deepEqual(await stream.nextJson(), { hello: 'world' })
    await stream.closed
  },
  async 'exchanges 2,000 concurrent requests'() {
    const answers = Array.from({ length: 2000 }, async (_, at) => {
      const stream = await client.getStream(address, 'AccountToAccount', { ack: 'later' })
      await stream.finish(`${at}\n`)
      assert.equal(await stream.nextJson(), at)
    })
    await Promise.all(answers)
  },
  async 'carries bytes both ways through web streams'() {
    const stream = await client.getStream(address, 'Tcp')
    const sent = Uint8Array.from({ length: 4 * 1024 * 1024 }, (_, at) => at ^ (at >> 8))
    const [got] = await Promise.all([
      new Response(stream.readable).arrayBuffer(),
      new Blob([sent]).stream().pipeTo(stream.writable)
    ])
    assert.equal(Buffer.compare(Buffer.from(got), sent), 0)
  },
  async 'serves node:http over a stream'() {
    const socket = duplex(await client.getStream(address, 'Http'))
    const asked = request({ createConnection: () => socket as never, headers: { host: 'peer', connection: 'close' } })
    asked.end()
    const [response] = await once(asked, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    assert.equal(text, 'served')
  },
  async 'fetches from serveHttp: headers, and bodies of every kind'() {
    const options = { service: 'web', maxBodyBytes: Number.POSITIVE_INFINITY }
    const web = server.serveHttp(async (request, { peer }) => {
      assert.equal(request.headers.get('fastn-peer'), peer)
      const headers = new Headers({ 'x-method': request.method, 'content-type': 'application/json' })
      for (const cookie of ['a=1', 'b=2']) headers.append('set-cookie', cookie)
      if (new URL(request.url).pathname === '/echo') return new Response(request.body, { headers })
      return new Response(JSON.stringify({ text: await request.text() }), { status: 201, headers })
    }, options)
    const ask = (path: string, init = {}) => client.fetch(address, path, { service: 'web', ...init })
    const small = await ask('/small?q', { method: 'POST', body: 'é' })
    assert.equal(small.status, 201)
    assert.equal(small.url, `http://${id52}/small?q`)
    assert.deepEqual(small.headers.getSetCookie(), ['a=1', 'b=2'])
    const copy = small.clone()
    assert.deepEqual(await small.json(), { text: 'é' })
    assert.equal(await copy.text(), '{"text":"é"}')
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, at) => at ^ (at >> 8))
    const streamed = () =>
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 70_000) controller.enqueue(bytes.slice(at, at + 70_000))
          controller.close()
        }
      })
    for (const body of [bytes, new Blob([bytes]), streamed()]) {
      const echoed = await ask('/echo', { method: 'POST', body })
      assert.equal(Buffer.compare(Buffer.from(await echoed.arrayBuffer()), bytes), 0)
    }
    assert.equal(await (await ask('/')).text(), '{"text":""}')
    assert.equal((await ask('/', { method: 'HEAD' })).body, null)
    await web.close()
  },
  async 'answers 500 HTTP requests at once'() {
    const web = server.serveHttp(async request => new Response(await request.text()), { service: 'many' })
    const answers = Array.from({ length: 500 }, async (_, at) => {
      const response = await client.fetch(address, '/', { service: 'many', method: 'POST', body: String(at) })
      assert.equal(await response.text(), String(at))
    })
    await Promise.all(answers)
    await web.close()
  },
  async 'a truncated HTTP body is an error, and an abort reaches the handler'() {
    let left = () => {}
    const hasLeft = new Promise<void>(resolve => {
      left = resolve
    })
    const handler = (request: Request) => {
      const isCut = new URL(request.url).pathname === '/cut'
      request.signal.addEventListener('abort', left)
      let count = 0
      const body = new ReadableStream({
        async pull(controller) {
          await new Promise(resolve => setTimeout(resolve, 5))
          if (isCut && count++ === 3) throw new Error('as planned')
          controller.enqueue(new Uint8Array(1_000))
        },
        cancel: left
      })
      return new Response(body)
    }
    const web = server.serveHttp(handler, { service: 'cut', onError: () => {} })
    await fails('ERR_STREAM_RESET', (await client.fetch(address, '/cut', { service: 'cut' })).arrayBuffer())
    const controller = new AbortController()
    const response = await client.fetch(address, '/', { service: 'cut', signal: controller.signal })
    const reading = response.arrayBuffer().catch((error: unknown) => error)
    controller.abort(new Error('enough'))
    assert.equal(((await reading) as Error).message, 'enough')
    await hasLeft
    await web.close()
  },
  async 'serves node:http to an http.Agent'() {
    // Deno's http.Server answers no other requests on a stream.
    const headers = 'Deno' in globalThis ? { connection: 'close' } : {}
    const web = serveNodeHttp(
      server,
      (asked, response) => response.end(`${asked.url} ${asked.headers['fastn-peer']}`),
      {
        service: 'node'
      }
    )
    const agent = httpAgent(client, address, { service: 'node' })
    for (const path of ['/a', '/b']) {
      const asked = request(`http://peer${path}`, { agent, headers })
      asked.end()
      const [response] = await once(asked, 'response')
      let text = ''
      for await (const chunk of response) text += chunk
      assert.equal(text, `${path} ${client.id52}`)
    }
    agent.destroy()
    await web.close()
  },
  async 'routes hosts to handlers, servers and peers'() {
    const web = createServer((asked, response) => {
      response.setHeader('x-access', asked.headers['fastn-access'] ?? '')
      asked.pipe(response)
    }).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const backend = (web.address() as AddressInfo).port
    const handler = async (asked: Request) =>
      new Response(await asked.arrayBuffer(), { headers: { 'x-access': asked.headers.get('fastn-access') ?? '' } })
    const hosts = { handler: { handler, allow: 'public' as const }, web: { backend, allow: 'public' as const } }
    const near = await createRouter({ endpoint: server, hosts })
    const far = await createRouter({
      endpoint: client,
      hosts: { handler: { peer: address, service: 'handler' }, web: { peer: address, service: 'web' } }
    })
    const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at ^ (at >> 8))
    const routers = [
      [near, 'local'],
      [far, 'remote']
    ] as const
    // Deno's http.Server answers no requests on a stream that stays open.
    for (const [router, access] of routers.slice(0, 'Deno' in globalThis ? 1 : 2)) {
      for (const host of ['handler.localhost', 'web.localhost']) {
        for (const body of [new Uint8Array([1]), bytes]) {
          const to = { host: '127.0.0.1', port: router.port, method: 'POST', headers: { host } }
          const asked = request(to)
          asked.end(body)
          const [response] = await once(asked, 'response')
          const chunks: Uint8Array[] = []
          for await (const chunk of response) chunks.push(chunk)
          assert.deepEqual([response.statusCode, response.headers['x-access']], [200, access], `${access} ${host}`)
          assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), body)
        }
      }
      const refused = request({ host: '127.0.0.1', port: router.port, headers: { host: 'evil.example' } }).end()
      const [{ statusCode }] = await once(refused, 'response')
      assert.equal(statusCode, 421)
    }
    await Promise.all([near.close({ timeout: 500 }), far.close({ timeout: 500 })])
    web.close()
  },
  async 'errors have codes'() {
    await fails('ERR_PROTOCOL_UNSUPPORTED', client.getStream(address, Protocol.generic('nobody')))
    const failed = await client.getStream(address, 'RigControl', { ack: 'later' })
    await failed.finish()
    await fails('ERR_STREAM_RESET', failed.nextString())
    await fails('ERR_UNREACHABLE', client.getStream(SecretKey.generate().id52, 'Tcp', { timeout: 300 }))
  },
  async 'an abort rejects with its reason, and the stream continues'() {
    const stream = await client.getStream(address, 'Tcp')
    const controller = new AbortController()
    const reading = stream.read({ signal: controller.signal })
    controller.abort('enough')
    assert.equal(await reading.catch((reason: unknown) => reason), 'enough')
    await stream.finish('and on')
    assert.equal(await new Response(stream.readable).text(), 'and on')
  },
  async 'watches and pings peers'() {
    assert.equal(typeof (await client.ping(address)), 'number')
    // Peers of other scenes are tracked too.
    for await (const peer of client.watch()) if (peer.id52 === id52 && peer.state === 'connected') break
  },
  async 'talks to another process and sees a signal end it'() {
    const [command, ...args] = start as [string, ...string[]]
    const child = spawn(command, [...args, fileURLToPath(new URL('peer.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    // A slow scene is not awaited, and neither is its child.
    const end = () => child.kill('SIGKILL')
    process.on('exit', end)
    try {
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const ticket = (await lines.next()).value as string
      const stream = await client.getStream(ticket, 'AccountToAccount')
      await stream.finish('["over","there"]\n')
      assert.deepEqual(await stream.nextJson(), ['over', 'there'])
      await stream.closed
      const exit = once(child, 'exit')
      // Not `child.kill`, because Deno reports its signal as the exit status.
      process.kill(child.pid as number, 'SIGTERM')
      assert.equal((await lines.next()).value, 'ended well')
      assert.deepEqual(await exit, [0, null])
    } finally {
      // A running child would keep this process alive.
      end()
      process.off('exit', end)
    }
  },
  ...services(server, client, start),
  async 'close is shared and notifies the peer'() {
    const connection = await client.connect(address)
    await Promise.all([server.close(), server.close()])
    await listener.closed
    assert.deepEqual({ ...(await connection.closed) }.code, 0x103)
    await fails('ERR_CLOSED', server.getStream(client.address(), 'Tcp'))
  }
}

let [passed, failed] = [0, 0]
for (const [name, scene] of Object.entries(scenes)) {
  try {
    await within(scene())
    passed++
    console.log(`  ✔ ${name}`)
  } catch (error) {
    failed++
    console.log(`  ✘ ${name}\n`, error)
  }
}
// The client stays open: this process must exit regardless.
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exit(1)

function fresh(): Promise<Endpoint> {
  return getEndpoint(SecretKey.generate(), { network: 'loopback', pingTimeout: 5_000 * slowness })
}

async function fails(code: FastnNetError['code'], work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error: FastnNetError) => error.code === code)
}

async function within(scene: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${generous} ms`)), generous)
  })
  await Promise.race([scene, late]).finally(() => clearTimeout(timer))
}
