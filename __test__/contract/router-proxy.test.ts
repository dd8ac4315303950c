// The router as a proxy, for clients that do not resolve *.localhost.
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { createEndpoint } from 'fastn-net'
import { createRouter } from 'fastn-net/router'
import { prompt } from '../helpers/prompt.js'
import { ask, exchange, readUntil, webServer } from '../helpers/web.js'

test('requests with a full URL reach only routed hosts', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using service = await webServer()
  await using router = await createRouter({
    endpoint,
    hosts: { blog: request => new Response(request.url), 'shop.example': { backend: service.port } }
  })
  const { body } = await ask(router.port, 'other.example', 'http://blog.localhost/a?b')
  t.is(body, 'http://blog.localhost/a?b')
  const asked = JSON.parse((await ask(router.port, 'evil.example', 'http://SHOP.example?q')).body)
  t.deepEqual([asked.url, asked.headers.host], ['/?q', 'SHOP.example'])
  t.is((await ask(router.port, 'blog.localhost', 'http://evil.example/')).status, 421)
  t.is((await ask(router.port, 'blog.localhost', `http://127.0.0.1:${service.port}/`)).status, 421)
  t.is((await ask(router.port, 'blog.localhost', 'https://blog.localhost/')).status, 400)
  t.is((await ask(router.port, 'blog.localhost', 'http://user@blog.localhost/')).status, 400)
})

/** Sends a CONNECT, and returns the status of the answer and the connection. */
async function connected(port: number, path: string): Promise<[number | undefined, Socket]> {
  const asked = request({ host: '127.0.0.1', port, method: 'CONNECT', path })
  asked.end()
  const [response, socket] = await prompt(once(asked, 'connect'), 'connect')
  return [response.statusCode, socket]
}

test('CONNECT gives a connection to the router itself', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using router = await createRouter({ endpoint, hosts: { blog: request => new Response(request.url) } })
  const [status, socket] = await connected(router.port, 'blog.localhost:80')
  t.is(status, 200)
  for (const path of ['/a', '/b']) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: blog.localhost\r\n\r\n`)
    t.regex(await readUntil(socket, /http:\/\//), new RegExp(`http://blog.localhost${path}$`))
  }
  socket.write('GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')
  t.regex(await readUntil(socket, /\n$/), /^HTTP\/1.1 421 /)
  for (const [path, expected] of [
    ['blog.localhost:443', 403],
    ['evil.example:80', 421],
    [`127.0.0.1:${router.port}`, 403],
    ['blog.localhost', 403]
  ] as const) {
    const [refused, ended] = await connected(router.port, path)
    t.is(refused, expected, path)
    ended.destroy()
  }
  t.regex(await exchange(router.port, 'CONNECT x@y:80 HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1.1 400 /)
})

test('the proxy configuration sends routed hosts to the router', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const handler = () => new Response('x')
  await using router = await createRouter({ endpoint, hosts: { blog: handler, 'shop.example': handler } })
  const response = await fetch(router.proxyConfigUrl)
  t.is(response.headers.get('content-type'), 'application/x-ns-proxy-autoconfig')
  t.is(response.headers.get('x-content-type-options'), 'nosniff')
  const script = await response.text()
  const find = (url: string): unknown =>
    runInNewContext(`${script}; FindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(new URL(url).hostname)})`)
  const proxy = `PROXY 127.0.0.1:${router.port}`
  for (const url of ['http://blog.localhost/', `ws://a.b.localhost:${router.port}/x`, 'http://shop.example/x:3/'])
    t.is(find(url), proxy, url)
  for (const url of [
    'http://localhost:3000/',
    'http://x.localhost:3000/',
    'https://blog.localhost/',
    'http://evil.example/?http://x.localhost'
  ])
    t.is(find(url), 'DIRECT', url)
  for (const host of ['localhost', 'fastn.localhost', '127.0.0.1', '[::1]'])
    t.is((await ask(router.port, host, '/proxy.pac')).status, 200, host)
  t.regex((await ask(router.port, 'fastn.localhost')).body, /http:\/\/blog\.localhost:/)
  t.is((await ask(router.port, 'localhost', '/x')).status, 404)
  t.is((await ask(router.port, 'localhost', '/', { method: 'POST' })).status, 405)
})
