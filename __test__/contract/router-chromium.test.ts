// The router in Chromium: hosts below localhost, WebSockets, other origins, and the proxy configuration.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import ava, { type ExecutionContext } from 'ava'
import { createRouter } from 'fastn-net/router'
import { Hono } from 'hono'
import { WebSocketServer } from 'ws'
import { Browser, chromium } from '../cli/support/chromium.js'
import { requestPair } from '../helpers/requests.js'

const test = chromium === undefined ? ava.skip : ava.serial

/** A page that sends requests to its own server, by fetch, Server-Sent Events and WebSocket, and puts the results in `window.result`. */
const page = `<!doctype html><title>page</title><script type="module">
const posted = await (await fetch('/echo', { method: 'POST', body: 'Grüße' })).text()
const socket = new WebSocket('ws://' + location.host + '/socket')
socket.onopen = () => socket.send('x'.repeat(100_000))
const length = await new Promise(resolve => {
  socket.onmessage = ({ data }) => resolve(data.length)
  socket.onerror = () => resolve('error')
})
window.result = { posted, length }
</script>`

/** A web server with that page. */
async function site(t: ExecutionContext): Promise<number> {
  const server = createServer((asked, response) => {
    if (asked.url === '/echo') return void asked.pipe(response)
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('Chromium opens servers, peers and handlers by their hosts', async t => {
  const { client, server, peer } = await requestPair(t)
  const backend = await site(t)
  const posts: string[] = []
  const app = new Hono()
    .get('/', c => c.html('<title>app</title>'))
    .get('/favicon.ico', c => c.body(null, 204))
    .post('/post', async c => {
      posts.push(await c.req.text())
      return c.text('posted')
    })
  await using far = await createRouter({ endpoint: server, hosts: { web: { backend, allow: 'public' } } })
  await using router = await createRouter({
    endpoint: client,
    hosts: { app, site: { backend }, peer: { peer, service: 'web' }, 'shop.example': { backend } }
  })
  const browser = await Browser.start(t)
  const expected = { posted: 'Grüße', length: 100_000 }
  for (const url of [
    router.urlOf('site'),
    router.urlOf('peer'),
    router.urlOf(`web.${server.id52}`),
    far.urlOf('web')
  ]) {
    await browser.open(url)
    await browser.until('window.result !== undefined')
    t.deepEqual(await browser.evaluate('window.result'), expected, url)
  }
  // A page of another origin cannot post, even without reading the answer.
  const post = `fetch('${router.urlOf('app')}/post', { method: 'POST', mode: 'no-cors', body: 'x' }).then(() => 'sent')`
  t.is(await browser.evaluate(post), 'sent')
  t.deepEqual(posts, [])
  await browser.open(router.urlOf('app'))
  t.is(await browser.evaluate(post), 'sent')
  t.deepEqual(posts, ['x'])
  t.is(await browser.evaluate('document.title'), 'app')
  // The browser logs the answer to the foreign post.
  t.deepEqual(
    browser.problems.filter(problem => !problem.includes('/post')),
    []
  )

  const proxied = await Browser.start(t, [`--proxy-pac-url=${router.proxyConfigUrl}`])
  await proxied.open('http://shop.example/')
  await proxied.until('window.result !== undefined')
  t.deepEqual(await proxied.evaluate('window.result'), expected)
})
