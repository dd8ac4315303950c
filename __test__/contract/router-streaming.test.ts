// The router: bodies in both directions, clients and targets that disconnect, and other protocols.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import type { Endpoint } from 'fastn-net'
import { createRouter, type Router, type RouterHandler } from 'fastn-net/router'
import { pattern } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'
import { gate, requestPair } from '../helpers/requests.js'
import { connectTo, failed } from '../helpers/sockets.js'
import { ask, readUntil, webServer } from '../helpers/web.js'

/** A router in front of a target, and a second one that reaches it as a peer: messages must pass both. */
async function routers(
  t: ExecutionContext,
  target: { handler: RouterHandler } | { backend: number }
): Promise<{ near: Router; far: Router; both: readonly [name: string, router: Router][]; server: Endpoint }> {
  const { client, server, peer } = await requestPair(t)
  const near = await createRouter({ endpoint: server, hosts: { web: { ...target, allow: 'public' } } })
  const far = await createRouter({ endpoint: client, hosts: { web: { peer, service: 'web' } } })
  t.teardown(() => Promise.all([near.close({ timeout: 0 }), far.close({ timeout: 0 })]))
  return {
    near,
    far,
    server,
    both: [
      ['near', near],
      ['far', far]
    ]
  }
}

test('Server-Sent Events arrive one by one, from a handler and from a server', async t => {
  let next = gate()
  const encoder = new TextEncoder()
  const handler = () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          for (const data of ['1', '2', '3']) {
            controller.enqueue(encoder.encode(`data: ${data}\n\n`))
            await next.opened
          }
          controller.close()
        }
      }),
      { headers: { 'content-type': 'text/event-stream' } }
    )
  await using service = await webServer(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for await (const chunk of handler().body ?? []) response.write(chunk)
    response.end()
  })
  for (const target of [{ handler }, { backend: service.port }]) {
    for (const [name, router] of (await routers(t, target)).both) {
      const asked = request({ host: '127.0.0.1', port: router.port, headers: { host: 'web.localhost' } }).end()
      const [response] = (await prompt(once(asked, 'response'), 'head')) as [IncomingMessage]
      t.is(response.headers['content-type'], 'text/event-stream')
      for (const data of ['1', '2', '3']) {
        const [event] = await prompt(once(response, 'data'), `${name}: event ${data}`)
        t.is(String(event), `data: ${data}\n\n`)
        const { open } = next
        next = gate()
        open()
      }
      await once(response, 'end')
    }
  }
})

test('long bodies arrive byte for byte, with and without a length', async t => {
  const bytes = pattern(3_000_000)
  const digest = createHash('sha256').update(bytes).digest('hex')
  await using service = await webServer((asked, response) => {
    response.setHeader('x-coding', asked.headers['transfer-encoding'] ?? '')
    if (asked.headers['content-length'] !== undefined) response.setHeader('content-length', bytes.length)
    asked.pipe(response)
  })
  const handler: RouterHandler = asked => new Response(asked.body)
  for (const target of [{ handler }, { backend: service.port }]) {
    for (const [name, router] of (await routers(t, target)).both) {
      for (const headers of [{ 'content-length': bytes.length }, { 'transfer-encoding': 'chunked' }]) {
        const to = {
          host: '127.0.0.1',
          port: router.port,
          method: 'POST',
          headers: { host: 'web.localhost', ...headers }
        }
        const asked = request(to)
        asked.end(bytes)
        const [response] = (await prompt(once(asked, 'response'), 'head')) as [IncomingMessage]
        const hash = createHash('sha256')
        for await (const chunk of response) hash.update(chunk)
        t.is(hash.digest('hex'), digest, `${name} ${JSON.stringify(headers)}`)
      }
    }
  }
})

test('an unread body stops its sender', async t => {
  const never = new Promise<Response>(() => {})
  await using service = await webServer(asked => asked.pause())
  for (const target of [{ handler: () => never, maxBodyBytes: Number.POSITIVE_INFINITY }, { backend: service.port }]) {
    const { near } = await routers(t, target)
    const socket = await connectTo(near.port)
    socket.write(`POST / HTTP/1.1\r\nhost: web.localhost\r\ncontent-length: ${1024 ** 3}\r\n\r\n`)
    const chunk = Buffer.alloc(1024 * 1024)
    let sent = 0
    // Until no more bytes are accepted for a while.
    for (;;) {
      socket.write(chunk)
      sent += chunk.length
      if (socket.writableLength > 4 * chunk.length) {
        const pause = new Promise(resolve => setTimeout(resolve, 200, 'full'))
        if ((await Promise.race([once(socket, 'drain'), pause])) === 'full') break
      }
      if (sent > 256 * chunk.length) break
    }
    t.true(sent < 64 * chunk.length, `${sent} bytes`)
    socket.destroy()
  }
})

test('a disconnected client aborts the request at the target', async t => {
  let left = gate<string>()
  const handler: RouterHandler = asked =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(10))
          asked.signal.addEventListener('abort', () => left.open('aborted'))
        }
      })
    )
  await using service = await webServer((_, response) => {
    response.write('begin')
    response.once('close', () => left.open('aborted'))
  })
  for (const target of [{ handler }, { backend: service.port }]) {
    for (const [name, router] of (await routers(t, target)).both) {
      left = gate()
      const asked = request({ host: '127.0.0.1', port: router.port, headers: { host: 'web.localhost' } }).end()
      asked.on('error', () => {})
      await prompt(once(asked, 'response'), 'head')
      asked.destroy()
      t.is(await prompt(left.opened, name), 'aborted')
    }
  }
})

test('a truncated response ends in a reset, never in a clean end', async t => {
  let cut = () => {}
  await using service = await webServer((_, response) => {
    response.write('begin')
    cut = () => response.socket?.resetAndDestroy()
  })
  const handler: RouterHandler = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('begin'))
          cut = () => controller.error(new Error('as planned'))
        }
      })
    )
  const { client, server, peer } = await requestPair(t)
  await using near = await createRouter({
    endpoint: server,
    onError: () => {},
    hosts: { handler: { handler, allow: 'public' }, server: { backend: service.port, allow: 'public' } }
  })
  await using far = await createRouter({
    endpoint: client,
    hosts: { handler: { peer, service: 'handler' }, server: { peer, service: 'server' } }
  })
  for (const [at, router] of [near, far].entries()) {
    for (const host of ['handler', 'server']) {
      // HTTP/1.0 has no chunks: only a reset shows the truncation.
      for (const version of ['1.0', '1.1']) {
        const socket = await connectTo(router.port)
        socket.write(`GET / HTTP/${version}\r\nhost: ${host}.localhost\r\n\r\n`)
        await readUntil(socket, /begin/)
        const end = failed(socket)
        cut()
        t.is(await prompt(end, 'the end'), 'ECONNRESET', `${at} ${host} ${version}`)
      }
    }
  }
})

test('Expect: 100-continue, trailers and HEAD pass', async t => {
  await using service = createServer().listen(0, '127.0.0.1')
  service.on('checkContinue', (asked, response) => {
    if (asked.url === '/refused') return void response.writeHead(417).end()
    response.writeContinue()
    asked.pipe(response)
  })
  service.on('request', (asked: IncomingMessage, response) => {
    if (asked.method === 'HEAD') return void response.end()
    response.setHeader('trailer', 'x-sum')
    asked.on('end', () => {
      response.write(asked.trailers['x-of'] ?? 'none')
      response.addTrailers({ 'x-sum': '42' })
      response.end()
    })
    asked.resume()
  })
  await once(service, 'listening')
  for (const [name, router] of (await routers(t, { backend: (service.address() as AddressInfo).port })).both) {
    const to = (more: object) => ({ host: '127.0.0.1', port: router.port, agent: false, ...more })
    for (const path of ['/', '/refused']) {
      const headers = { host: 'web.localhost', expect: '100-continue', 'content-length': 5 }
      const asked = request(to({ method: 'PUT', path, headers }))
      asked.flushHeaders()
      const answered = once(asked, 'response')
      if (path === '/') {
        await prompt(once(asked, 'continue'), `${name}: 100`)
        asked.end('hello')
      }
      const [response] = (await prompt(answered, 'response')) as [IncomingMessage]
      t.is(response.statusCode, path === '/' ? 200 : 417, name)
      if (path === '/') t.is(await text(response), 'hello')
      else asked.destroy()
    }
    const headers = { host: 'web.localhost', 'transfer-encoding': 'chunked', trailer: 'x-of', te: 'trailers' }
    const asked = request(to({ method: 'POST', headers }))
    asked.write('body')
    asked.addTrailers({ 'x-of': 'client' })
    asked.end()
    const [response] = (await prompt(once(asked, 'response'), 'response')) as [IncomingMessage]
    t.is(await text(response), 'client', name)
    t.is(response.trailers['x-sum'], '42')
    const head = await ask(router.port, 'web.localhost', '/', { method: 'HEAD' })
    t.deepEqual([head.status, head.body], [200, ''])
  }
})

test('interim answers other than 100 are dropped, and the answer or the upgrade follows', async t => {
  await using service = createServer((_, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.end('page')
  }).listen(0, '127.0.0.1')
  service.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello')
  })
  await once(service, 'listening')
  const { both } = await routers(t, { backend: (service.address() as AddressInfo).port })
  for (const [name, router] of both) {
    const { status, headers, body } = await ask(router.port, 'web.localhost')
    t.deepEqual([status, headers.link, body], [200, undefined, 'page'], name)
    const socket = await connectTo(router.port)
    socket.end('GET / HTTP/1.1\r\nhost: web.localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    t.regex(await prompt(text(socket), 'the end'), /^HTTP\/1.1 101 .*\r\n\r\nhello$/s, name)
  }
})

test('upgraded connections reach servers and peers', async t => {
  await using service = createServer((_, response) => response.end('plain')).listen(0, '127.0.0.1')
  service.on('upgrade', (asked, socket) => {
    if (asked.url === '/refused') return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${asked.headers.upgrade}\r\nx-peer: ${asked.headers['fastn-access']}\r\n\r\n`
    )
    socket.pipe(socket)
  })
  await once(service, 'listening')
  const { both } = await routers(t, { backend: (service.address() as AddressInfo).port })
  for (const [name, router] of both) {
    const head = (path: string) =>
      `GET ${path} HTTP/1.1\r\nhost: web.localhost\r\nconnection: keep-alive, Upgrade\r\nupgrade: echo\r\n`
    const socket = await connectTo(router.port)
    // The first bytes may come together with the request.
    socket.write(`${head('/')}fastn-access: self\r\n\r\nfirst`)
    const received = await readUntil(socket, /first$/)
    t.regex(received, /^HTTP\/1.1 101 Switching Protocols\r\n/)
    t.regex(received, new RegExp(`x-peer: ${name === 'near' ? 'local' : 'remote'}\r\n`))
    socket.write('second')
    await readUntil(socket, /second$/)
    socket.end('last')
    t.regex(await prompt(text(socket), 'the end'), /last$/)
    const refused = await connectTo(router.port)
    refused.write(`${head('/refused')}\r\n`)
    t.regex(await prompt(text(refused), 'the end'), /^HTTP\/1.1 403 Forbidden\r\n.*\r\n\r\nno$/s)
    const foreign = await connectTo(router.port)
    foreign.write(`${head('/')}origin: http://evil.example\r\n\r\n`)
    t.regex(await prompt(text(foreign), 'the end'), /^HTTP\/1.1 403 /)
    // Curl and Java ask for HTTP/2 like this, and accept an answer in HTTP/1.1.
    const older = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' }
    t.is((await ask(router.port, 'web.localhost', '/', { headers: older })).body, 'plain')
  }
})

test('a handler answers an upgrade request normally', async t => {
  const handler: RouterHandler = async asked =>
    new Response(
      `${asked.method} ${asked.headers.get('upgrade')} ${asked.headers.get('connection')} ${await asked.text()}`
    )
  for (const [name, router] of (await routers(t, { handler })).both) {
    const socket = await connectTo(router.port)
    const head = 'host: web.localhost\r\nconnection: upgrade\r\nupgrade: echo\r\n'
    socket.write(`POST / HTTP/1.1\r\n${head}content-length: 4\r\n\r\nbody`)
    t.regex(await readUntil(socket, /body$/), /^HTTP\/1.1 200 OK\r\n.*\r\n\r\nPOST null null body$/s, name)
    // The connection continues.
    socket.write('GET / HTTP/1.1\r\nhost: web.localhost\r\nconnection: close\r\n\r\n')
    t.regex(await prompt(text(socket), 'the end'), /GET null null $/)
  }
})
