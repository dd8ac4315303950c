// The router: selecting the target of a host, the fields that targets get, and protection from local clients.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { createEndpoint } from 'fastn-net'
import { createRouter, folderHandler, Router, type RouterContext } from 'fastn-net/router'
import { Hono } from 'hono'
import { pair } from '../helpers/pair.js'
import { failureOf, requestPair } from '../helpers/requests.js'
import { ask, webServer } from '../helpers/web.js'

const says = (text: string) => () => new Response(text)

test('hosts route to handlers, applications, servers, folders and peers', async t => {
  await using peers = await pair()
  await using service = await webServer()
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'index.html'), '<h1>site</h1>')
  const app = new Hono().get('/:name', c => c.text(`hello ${c.req.param('name')}`))
  await using far = await createRouter({
    endpoint: peers.server,
    home: { handler: says('home'), allow: 'public' },
    hosts: { wiki: { handler: request => new Response(request.headers.get('host')), allow: 'public' } }
  })
  await using router = await createRouter({
    endpoint: peers.client,
    home: says('own'),
    hosts: {
      handler: request => new Response(`${request.method} ${request.url}`),
      app,
      server: { backend: service.port },
      site: { folder },
      alice: { peer: peers.server.address() },
      'wiki.example': { peer: peers.server.address(), service: 'wiki' }
    }
  })
  t.true(router instanceof Router)
  t.is(router.url, `http://127.0.0.1:${router.port}`)
  t.is(router.urlOf('app'), `http://app.localhost:${router.port}`)
  t.is(router.urlOf(), `http://${peers.client.id52}.localhost:${router.port}`)
  const body = async (host: string, path?: string) => (await ask(router.port, host, path)).body
  t.is(await body(`handler.localhost:${router.port}`, '/a?b'), `GET http://handler.localhost:${router.port}/a?b`)
  t.is(await body('APP.LocalHost.', '/world'), 'hello world')
  t.is(await body('site.localhost'), '<h1>site</h1>')
  t.is(await body('alice.localhost'), 'home')
  t.is(await body('wiki.example:80'), 'wiki.example:80')
  t.is(await body(`${peers.client.id52}.localhost`), 'own')
  t.is(await body(`app.${peers.client.id52}.localhost`, '/you'), 'hello you')
  // Loopback has no look-up, but the connection exists already.
  t.is(await body(`${peers.server.id52}.localhost`), 'home')
  t.is(await body(`wiki.${peers.server.id52}.localhost`), `wiki.${peers.server.id52}.localhost`)
  const { headers, body: answered } = await ask(router.port, 'server.localhost', '/x?y', { method: 'PUT' }, 'sent')
  t.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  const asked = JSON.parse(answered)
  t.deepEqual([asked.method, asked.url, asked.body], ['PUT', '/x?y', 'sent'])
  t.is(asked.headers.host, 'server.localhost')
  t.true(far.connections > 0)
})

test('other hosts get status 421, unknown services of this endpoint 404', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using router = await createRouter({ endpoint, peers: 'none', hosts: { shop: says('shop'), 'a.b': says('ab') } })
  const { id52 } = endpoint
  const other = `${'a'.repeat(51)}0`
  for (const host of [
    'evil.example',
    'shop',
    'shop.localhost.evil.example',
    'x.localhost',
    `${other}.localhost`,
    'b.localhost'
  ]) {
    const { status, body } = await ask(router.port, host)
    t.is(status, host === 'shop' ? 200 : 421, host)
    if (host !== 'shop') t.regex(body, /^421 Misdirected Request: /)
  }
  for (const host of [`${id52}.localhost`, `x.${id52}.localhost`])
    t.is((await ask(router.port, host)).status, 404, host)
  t.is((await ask(router.port, 'a.b')).body, 'ab')
  t.is((await ask(router.port, 'a.b.localhost')).body, 'ab')
  for (const host of ['shop@evil', 'a b', 'shop.localhost:x', '/'])
    t.is((await ask(router.port, host)).status, 400, JSON.stringify(host))
})

test('targets see that a client is local, and clients cannot forge it', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using service = await webServer()
  let context: RouterContext | undefined
  await using router = await createRouter({
    endpoint,
    hosts: {
      handler(request, given) {
        context = given
        return Response.json(Object.fromEntries(request.headers))
      },
      server: { backend: service.port }
    }
  })
  const forged = {
    'fastn-access': 'self',
    'Fastn-Peer': 'x',
    fastn_groups: 'admins',
    'fastn.alias': 'x',
    'fastn-new': 'x',
    forwarded: 'for=x',
    'x-forwarded-for': 'x',
    'x-forwarded-host': 'x',
    'x-real-ip': 'x',
    connection: 'close, x-named',
    'x-named': 'x',
    'proxy-authorization': 'x',
    'x-kept': 'yes'
  }
  const own = (headers: Record<string, string>) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !['connection', 'host'].includes(name)))
  const expected = (host: string) => ({
    'x-kept': 'yes',
    'fastn-access': 'local',
    'x-forwarded-host': host,
    'x-forwarded-proto': 'http'
  })
  const handled = await ask(router.port, 'handler.localhost', '/', { headers: forged })
  t.deepEqual(own(JSON.parse(handled.body)), expected('handler.localhost'))
  t.deepEqual(context, { access: 'local', peer: undefined, alias: undefined, groups: [] })
  const served = await ask(router.port, 'server.localhost', '/', { headers: forged })
  t.deepEqual(own(JSON.parse(served.body).headers), expected('server.localhost'))
})

test('cross-origin requests are refused, unless a target allows them', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const handler = says('done')
  await using router = await createRouter({
    endpoint,
    hosts: { closed: handler, open: { handler, crossOrigin: true } }
  })
  const status = async (host: string, method: string, headers: Record<string, string>) =>
    (await ask(router.port, `${host}.localhost:${router.port}`, '/', { method, headers })).status
  const own = `http://closed.localhost:${router.port}`
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://closed.localhost:${router.port + 1}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://open.localhost' }
  ]
  for (const headers of foreign) {
    t.is(await status('closed', 'POST', headers), 403, JSON.stringify(headers))
    t.is(await status('closed', 'GET', headers), 200)
    t.is(await status('open', 'POST', headers), 200)
  }
  for (const headers of [{}, { origin: own }, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }])
    t.is(await status('closed', 'DELETE', headers), 200, JSON.stringify(headers))
})

test('an unreachable server is 502, a slow one 504', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await using slow = await webServer(() => {})
  const absent = await webServer()
  await absent[Symbol.asyncDispose]()
  await using router = await createRouter({
    endpoint,
    hosts: {
      absent: { backend: `127.0.0.1:${absent.port}` },
      slow: { backend: slow.port, responseTimeout: 50 },
      unix: { backend: 'unix:/no/such/socket' }
    }
  })
  t.is((await ask(router.port, 'absent.localhost')).status, 502)
  t.is((await ask(router.port, 'unix.localhost', '/', { method: 'POST' }, 'body')).status, 502)
  t.is((await ask(router.port, 'slow.localhost')).status, 504)
})

test('a failed handler answers with status 500, and its error goes to onError', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const errors: unknown[] = []
  await using router = await createRouter({
    endpoint,
    onError: (error, { access }) => errors.push([(error as Error).message, access]),
    hosts: {
      throws() {
        throw new Error('secret')
      },
      nothing: () => undefined as never
    }
  })
  const { status, body } = await ask(router.port, 'throws.localhost')
  t.is(status, 500)
  t.false(body.includes('secret'))
  t.is((await ask(router.port, 'nothing.localhost')).status, 500)
  t.deepEqual(errors, [
    ['secret', 'local'],
    ['a handler must return an unused Response', 'local']
  ])
})

test('folderHandler works with serveHttp', async t => {
  const { client, server, peer } = await requestPair(t)
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a.txt'), 'hello')
  server.serveHttp(await folderHandler(folder))
  const response = await client.fetch(peer, '/a.txt')
  t.is(await response.text(), 'hello')
  const again = await client.fetch(peer, '/a.txt', { headers: { 'if-none-match': response.headers.get('etag') ?? '' } })
  t.is(again.status, 304)
  t.is((await client.fetch(peer, '/')).status, 404)
  t.like(await failureOf(folderHandler(join(folder, 'a.txt'))), { code: 'ERR_INVALID_ARGUMENT' })
})

test('errors name invalid options', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const wrong: [object, RegExp][] = [
    [{}, /options\.endpoint must be an endpoint/],
    [{ endpoint, host: 5 }, /options\.host must be a string/],
    [{ endpoint, homes: {} }, /unknown option 'homes'.*did you mean 'home'/],
    [{ endpoint, port: 70_000 }, /options\.port/],
    [{ endpoint, hosts: { a: 5 } }, /options\.hosts\.a must be a function/],
    [{ endpoint, hosts: { a: {} } }, /options\.hosts\.a must be a function/],
    [{ endpoint, hosts: { A: says('') } }, /options\.hosts\.A must be a host/],
    [{ endpoint, hosts: { fastn: says('') } }, /the router's own/],
    [{ endpoint, hosts: { 'a.localhost': says('') } }, /the router's own/],
    [
      { endpoint, hosts: { a: { backend: 3000, allowed: 'public' } } },
      /unknown option 'allowed' in options\.hosts\.a: did you mean 'allow'/
    ],
    [{ endpoint, hosts: { a: { backend: 'ftp://x' } } }, /options\.hosts\.a\.backend must be/],
    [{ endpoint, hosts: { a: { backend: 'http://x/path' } } }, /options\.hosts\.a\.backend must be/],
    [{ endpoint, hosts: { a: { backend: 3000, certificates: 'x' } } }, /certificates must be for a server with https/],
    [{ endpoint, hosts: { a: { folder: '/no/such/folder' } } }, /cannot read the folder/],
    [{ endpoint, hosts: { a: { peer: 'alice' } } }, /'alice' is not one/],
    [{ endpoint, hosts: { a: { handler: says(''), allow: 'all' } } }, /options\.hosts\.a\.allow must be 'public'/],
    [{ endpoint, peers: 'some' }, /options\.peers must be one of 'all', 'known', 'none'/]
  ]
  for (const [options, message] of wrong) {
    const error = await failureOf(createRouter(options as never))
    t.is(error.code, 'ERR_INVALID_ARGUMENT', String(message))
    t.regex(error.message, message)
  }
  await using router = await createRouter({ endpoint })
  t.like(await failureOf(createRouter({ endpoint, port: router.port })), { code: 'ERR_LISTEN' })
  t.throws(() => new (Router as never as new () => Router)(), { code: 'ERR_INVALID_ARGUMENT' })
})
