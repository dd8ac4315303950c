// fetch and serveHttp: requests, answers, cancellation.
import test from 'ava'
import { type FastnNetError, isFastnNetError } from 'fastn-net'
import { Hono } from 'hono'
import { pair, pattern } from '../helpers/pair.js'

const failureOf = async (promise: Promise<unknown>): Promise<FastnNetError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason
  )
  if (!isFastnNetError(error)) throw new Error(`not an error of the library: ${error}`)
  return error
}

test('a request reaches its handler with method, URL, headers and body, and its answer comes back', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const listener = server.serveHttp(async request => {
    const { method, url, headers } = request
    const { pathname, search, host } = new URL(url)
    const body = { method, pathname, search, host, peer: headers.get('fastn-peer'), text: await request.text() }
    return Response.json(body, { status: 201, statusText: 'Made', headers: { 'x-one': 'é', 'X-Two': 'b' } })
  })
  t.deepEqual(listener.protocols, [{ Generic: { fastn: 'http', service: '' } }, 'Http'])
  const response = await client.fetch(server.address(), '/a/b?c=d', {
    method: 'POST',
    body: 'hello',
    headers: { 'fastn-peer': 'forged' }
  })
  t.is(response.status, 201)
  t.is(response.statusText, 'Made')
  t.is(response.headers.get('x-one'), 'é')
  t.is(response.headers.get('x-two'), 'b')
  t.truthy(response.headers.get('date'))
  t.is(response.url, `http://${server.id52}/a/b?c=d`)
  t.deepEqual(await response.json(), {
    method: 'POST',
    pathname: '/a/b',
    search: '?c=d',
    host: server.id52,
    peer: client.id52,
    text: 'hello'
  })
})

test('a Request and a URL are sent to the peer, with their host as Host', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(`${request.method} ${request.url} ${await request.text()}`))
  const request = new Request('https://example.com/x', { method: 'PUT', body: 'y' })
  t.is(await (await client.fetch(server.address(), request)).text(), 'PUT http://example.com/x y')
  t.is(await (await client.fetch(server.address(), new URL('http://api:1/z'))).text(), 'GET http://api:1/z ')
})

test('named services are separate', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(() => new Response('unnamed'))
  server.serveHttp(() => new Response('named'), { service: 'api' })
  t.is(await (await client.fetch(server.address(), '/')).text(), 'unnamed')
  t.is(await (await client.fetch(server.address(), '/', { service: 'api' })).text(), 'named')
  const absent = await failureOf(client.fetch(server.address(), '/', { service: 'none' }))
  t.like(absent, { code: 'ERR_PROTOCOL_UNSUPPORTED', phase: 'fetch' })
  t.regex(absent.message, /no HTTP service "none": .*serveHttp/)
  t.regex((await failureOf(server.fetch(client.address(), '/'))).message, /serves no HTTP: call serveHttp/)
  t.is((await failureOf(client.fetch(server.address(), '/', { service: 'a\nb' }))).code, 'ERR_INVALID_ARGUMENT')
  t.is((await failureOf(client.fetch(server.address(), 'nowhere'))).code, 'ERR_INVALID_ARGUMENT')
})

test('answers to HEAD and with status 204 or 304 have no body', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(request => {
    const status = Number(new URL(request.url).pathname.slice(1))
    return new Response(status === 200 ? 'body' : null, { status, headers: { 'content-type': 'text/plain' } })
  })
  for (const [method, path] of [
    ['HEAD', '/200'],
    ['GET', '/204'],
    ['GET', '/304']
  ] as const) {
    const response = await client.fetch(server.address(), path, { method })
    t.is(response.status, Number(path.slice(1)))
    t.is(response.body, null)
    t.is(response.headers.get('content-type'), 'text/plain')
  }
})

test('repeated headers stay separate, and hop-by-hop headers are removed', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(request => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['keep-alive', 'timeout=5'],
      ['x-seen', JSON.stringify([...request.headers])]
    ])
    return new Response(null, { headers })
  })
  const headers = { accept: 'text/plain', 'x-name': 'value' }
  const response = await client.fetch(server.address(), '/', { headers })
  t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
  t.is(response.headers.get('keep-alive'), null)
  t.deepEqual(JSON.parse(response.headers.get('x-seen') as string), [
    ['accept', 'text/plain'],
    ['fastn-peer', client.id52],
    ['host', server.id52],
    ['x-name', 'value']
  ])
})

test('bodies of every kind arrive, both ways', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(await request.arrayBuffer()), { maxBodyBytes: 8_000_000 })
  const bytes = pattern(3_000_000)
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
  }
  const form = new FormData()
  form.append('name', 'value')
  const bodies: [RequestInit['body'] | AsyncIterable<Uint8Array>, number][] = [
    ['text', 4],
    [bytes, bytes.length],
    [new Blob([bytes as Uint8Array<ArrayBuffer>]), bytes.length],
    [new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(), bytes.length],
    [chunks(), bytes.length],
    [new URLSearchParams({ a: 'b' }), 3],
    ['', 0]
  ]
  for (const [body, length] of bodies) {
    const response = await client.fetch(server.address(), '/', { method: 'POST', body })
    const got = new Uint8Array(await response.arrayBuffer())
    t.is(got.length, length)
    if (length === bytes.length) t.is(Buffer.compare(got, bytes), 0)
  }
  const response = await client.fetch(server.address(), '/', { method: 'POST', body: form })
  t.true((await response.text()).includes('form-data; name="name"'))
})

test('aborting rejects with the reason and aborts the signal of the handler', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let started: () => void = () => {}
  const hasStarted = new Promise<void>(resolve => {
    started = resolve
  })
  const aborted = new Promise<void>(resolve => {
    server.serveHttp(request => {
      started()
      return new Promise<Response>((_, reject) => {
        request.signal.addEventListener('abort', () => {
          resolve()
          reject(request.signal.reason)
        })
      })
    })
  })
  const controller = new AbortController()
  const reason = new Error('no longer needed')
  const fetching = client.fetch(server.address(), '/', { signal: controller.signal })
  await hasStarted
  controller.abort(reason)
  t.is(await t.throwsAsync(fetching), reason)
  await aborted
  t.is(await t.throwsAsync(client.fetch(server.address(), '/', { signal: controller.signal })), reason)
})

test('aborting while the body is read fails the read with the reason', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(() => new Response(new ReadableStream({ start: c => c.enqueue(Buffer.from('first')) })))
  const controller = new AbortController()
  const response = await client.fetch(server.address(), '/', { signal: controller.signal })
  const reader = response.body!.getReader()
  await reader.read()
  const next = reader.read()
  const reason = new Error('enough')
  controller.abort(reason)
  t.is(await t.throwsAsync(next), reason)
})

test('an answer that fails in the middle is an error, never a clean end', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const errors: unknown[] = []
  const failing = () => {
    let count = 0
    return new ReadableStream({
      async pull(controller) {
        await new Promise(resolve => setImmediate(resolve))
        if (count++ === 3) throw new Error('disk failed')
        controller.enqueue(new Uint8Array(1000))
      }
    })
  }
  const onError = (error: unknown) => errors.push(error)
  server.serveHttp(() => new Response(failing()), { onError })
  server.serveHttp(() => new Response('short', { headers: { 'content-length': '9' } }), { service: 'short', onError })
  const response = await client.fetch(server.address(), '/')
  t.is((await failureOf(response.arrayBuffer())).code, 'ERR_STREAM_RESET')
  t.is((await failureOf(client.fetch(server.address(), '/', { service: 'short' }))).code, 'ERR_STREAM_RESET')
  t.is(errors.length, 2)
})

test('a handler that throws answers with 500 and does not reveal its error', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const errors: unknown[] = []
  const failure = new Error('secret')
  const onError = (error: unknown, { peer }: { peer: string }) => errors.push([error, peer])
  server.serveHttp(() => Promise.reject(failure), { onError })
  server.serveHttp(() => 'text' as never, { service: 'text', onError })
  const response = await client.fetch(server.address(), '/')
  t.is(response.status, 500)
  t.is(await response.text(), 'Internal Server Error')
  t.deepEqual(errors, [[failure, client.id52]])
  t.is((await client.fetch(server.address(), '/', { service: 'text' })).status, 500)
})

test('limits: a long head is 431, a long body 413, and a long answer ERR_TOO_LARGE', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const options = { maxHeaderBytes: 2_000, maxBodyBytes: 1_000 }
  server.serveHttp(async request => new Response((await request.text()).repeat(3)), options)
  const ask = (init: object) => client.fetch(server.address(), '/', { method: 'POST', ...init })
  t.is((await ask({ headers: { 'x-long': 'a'.repeat(3_000) } })).status, 431)
  t.is((await ask({ body: 'a'.repeat(2_000) })).status, 413)
  const chunks = async function* () {
    for (let at = 0; at < 20; at++) yield Buffer.alloc(100)
  }
  t.is((await ask({ body: chunks() })).status, 413)
  const response = await ask({ body: 'a'.repeat(1_000), maxBodyBytes: 2_000 })
  t.is((await failureOf(response.text())).code, 'ERR_TOO_LARGE')
  t.is((await failureOf(ask({ body: 'a', maxHeaderBytes: 20 }))).code, 'ERR_TOO_LARGE')
})

test('redirects to the same peer are followed, others returned', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => {
    const { pathname } = new URL(request.url)
    if (pathname === '/here') return new Response(`${request.method} ${await request.text()}`)
    const to = pathname === '/away' ? 'http://elsewhere/' : pathname === '/loop' ? '/loop' : '/here'
    return new Response(null, { status: Number(pathname.slice(1)) || 302, headers: { location: to } })
  })
  const ask = (path: string, init = {}) => client.fetch(server.address(), path, init)
  const followed = await ask('/302')
  t.is(await followed.text(), 'GET ')
  t.true(followed.redirected)
  t.is(followed.url, `http://${server.id52}/here`)
  t.is(await (await ask('/303', { method: 'POST', body: 'x' })).text(), 'GET ')
  t.is(await (await ask('/307', { method: 'POST', body: 'x' })).text(), 'POST x')
  t.is((await ask('/away')).status, 302)
  t.is((await ask('/302', { redirect: 'manual' })).status, 302)
  t.is((await failureOf(ask('/302', { redirect: 'error' }))).code, 'ERR_REFUSED')
  t.is((await failureOf(ask('/loop'))).code, 'ERR_REFUSED')
})

test('1,000 concurrent requests are each answered', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(await request.text()))
  const address = server.address()
  const answers = Array.from({ length: 1_000 }, async (_, at) => {
    const response = await client.fetch(address, '/', { method: 'POST', body: String(at) })
    return await response.text()
  })
  t.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 1_000 }, (_, at) => String(at))
  )
})

test('Hono answers through its fetch', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const app = new Hono()
    .get('/users/:id', context => context.json({ id: context.req.param('id'), peer: context.req.header('fastn-peer') }))
    .post('/upload', async context => context.text(String((await context.req.arrayBuffer()).byteLength)))
  server.serveHttp(request => app.fetch(request))
  const user = await client.fetch(server.address(), '/users/7')
  t.deepEqual(await user.json(), { id: '7', peer: client.id52 })
  const upload = await client.fetch(server.address(), '/upload', { method: 'POST', body: new Uint8Array(1_000_000) })
  t.is(await upload.text(), '1000000')
  t.is((await client.fetch(server.address(), '/none')).status, 404)
})

test('all options of the global fetch are accepted', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(`${request.method} ${await request.text()}`))
  const init: RequestInit = {
    method: 'PUT',
    headers: { accept: 'text/plain' },
    body: 'x',
    signal: null,
    redirect: 'follow',
    duplex: 'half',
    credentials: 'include',
    integrity: '',
    keepalive: true,
    mode: 'cors',
    referrer: 'about:client',
    referrerPolicy: 'no-referrer',
    window: null
  }
  const options = { ...init, cache: 'no-store', priority: 'high' }
  t.is(await (await client.fetch(server.address(), '/', options)).text(), 'PUT x')
  const get = { ...options, method: 'GET', body: null }
  t.is(await (await client.fetch(server.address(), new Request('http://peer/'), get)).text(), 'GET ')
})

test('invalid arguments are rejected', async t => {
  await using ends = await pair()
  const { client, server } = ends
  t.is(t.throws(() => server.serveHttp('x' as never)).message, 'handler must be a function')
  t.throws(() => server.serveHttp(() => new Response(), { maxBody: 1 } as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => server.serveHttp(() => new Response(), { headTimeout: -1 }), { code: 'ERR_INVALID_ARGUMENT' })
  t.is((await failureOf(client.fetch(server.address(), '/', { integrity: 'sha256-x' }))).code, 'ERR_INVALID_ARGUMENT')
  for (const [init, message] of [
    [{ services: 'admin' }, /^unknown option 'services' in init: did you mean 'service'\?$/],
    [{ timeout: 300 }, /'timeout' in init: write signal: AbortSignal\.timeout\(ms\)$/],
    [{ redirect: 'always' }, /^init\.redirect must be one of 'follow', /],
    [{ maxBodyBytes: -1 }, /maxBodyBytes must be /],
    [new Request('http://peer/'), /^init must be a plain object, not an instance of Request$/],
    [null, /^init must be a plain object, not null$/]
  ] as const) {
    const error = await failureOf(client.fetch(server.address(), '/', init as never))
    t.is(error.code, 'ERR_INVALID_ARGUMENT')
    t.regex(error.message, message)
  }
  for (const input of [undefined, null, 42, true, Symbol('x'), {}, { toString: () => '/x' }]) {
    const error = await failureOf(client.fetch(server.address(), input as never))
    t.like(error, { code: 'ERR_INVALID_ARGUMENT' })
    t.regex(error.message, /^input must be a path, a URL or a Request, not /)
  }
  await t.throwsAsync(client.fetch(server.address(), '/', { headers: { 'x-bad': 'a\r\nb' } }), {
    instanceOf: TypeError
  })
  await t.throwsAsync(client.fetch(server.address(), '/', { method: 'CONNECT' }), { instanceOf: TypeError })
})
