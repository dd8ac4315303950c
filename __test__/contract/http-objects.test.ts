// The Request of a handler and the Response of fetch behave like the platform's own.
import test from 'ava'
import { httpPair } from '../helpers/http-pair.js'

const small = (type = 'text/plain') => new Response('{"a":"é"}', { headers: { 'content-type': type } })

test('a small answer can be read in every way, once', async t => {
  const { ask } = await httpPair(t, () => small())
  const answer = '{"a":"é"}'
  t.is(await (await ask('/')).text(), answer)
  t.deepEqual(await (await ask('/')).json(), { a: 'é' })
  t.is(Buffer.from(await (await ask('/')).arrayBuffer()).toString(), answer)
  const blob = await (await ask('/')).blob()
  t.is(blob.type, 'text/plain')
  t.is(await blob.text(), answer)
  if ('bytes' in Response.prototype)
    t.is(
      Buffer.from(await ((await ask('/')) as unknown as { bytes(): Promise<Uint8Array> }).bytes()).toString(),
      answer
    )
  const pieces: Uint8Array[] = []
  for await (const piece of (await ask('/')).body!) pieces.push(piece)
  t.is(Buffer.concat(pieces).toString(), answer)
  const byob = (await ask('/')).body!.getReader({ mode: 'byob' })
  t.is((await byob.read(new Uint8Array(4))).value?.length, 4)
  t.true((await ask('/')) instanceof Response)
})

test('a small answer can be consumed only once, like any other', async t => {
  const { ask } = await httpPair(t, () => small())
  const response = await ask('/')
  t.false(response.bodyUsed)
  const first = response.clone()
  const second = first.clone()
  t.is(first.url, response.url)
  for (const each of [response, first, second]) {
    t.is(await each.text(), '{"a":"é"}')
    t.true(each.bodyUsed)
    for (const read of ['text', 'json', 'arrayBuffer', 'blob'] as const)
      await t.throwsAsync(each[read](), { instanceOf: TypeError })
    t.throws(() => each.clone(), { instanceOf: TypeError })
  }
  const locked = await ask('/')
  locked.body!.getReader()
  t.true(locked.body!.locked)
  await t.throwsAsync(locked.text(), { instanceOf: TypeError })
  const used = await ask('/')
  await used.text()
  t.true(used.body === null || used.body.locked || (await used.body.getReader().read()).done)
  const copy = new Response((await ask('/')).body, { status: 202 })
  t.is(await copy.text(), '{"a":"é"}')
})

test('forms and a byte order mark are read like by the platform', async t => {
  const { ask } = await httpPair(t, request => {
    if (request.url.endsWith('/form')) return new Response(new URLSearchParams({ a: 'b' }))
    return new Response(Buffer.from('\ufeff"x"'))
  })
  t.is((await (await ask('/form')).formData()).get('a'), 'b')
  t.is(await (await ask('/bom')).text(), '"x"')
  t.is(await (await ask('/bom')).json(), 'x')
})

test("the platform accepts a handler's Request", async t => {
  const { ask, errors } = await httpPair(t, async request => {
    t.true(request instanceof Request)
    const { method, url } = request
    const clone = request.clone()
    const moved = new Request('http://elsewhere/x', request as RequestInit)
    const seen = [method, url.slice(-4), clone.headers.get('x-a'), moved.method, await moved.text(), await clone.text()]
    return new Response([...seen, request.bodyUsed, moved.headers.get('x-a'), request.headers.has('fastn-peer')].join())
  })
  const headers = { 'x-a': 'b', 'content-type': 'text/plain' }
  const response = await ask('/p?q', { method: 'POST', body: 'body', headers })
  t.is(await response.text(), 'POST,/p?q,b,POST,body,body,true,b,true')
  t.deepEqual(errors, [])
})

test('a request has every property and method of the platform', async t => {
  const { ask, errors } = await httpPair(t, async request => {
    const own = new Request(request.url, { method: request.method })
    for (const name of Object.getOwnPropertyNames(Request.prototype)) {
      const [got, expected] = [Reflect.get(request, name), Reflect.get(own, name)]
      t.is(typeof got, typeof expected, name)
      if (typeof got === 'string' || typeof got === 'boolean') t.is(got, expected, name)
    }
    return new Response(await new Request(request).text())
  })
  t.is(await (await ask('/a%20b?c')).text(), '')
  t.is(await (await ask('/')).text(), '')
  t.deepEqual(errors, [])
})

test('the signals of a request and of its copies abort when the caller gives up', async t => {
  let started = () => {}
  const hasStarted = new Promise<void>(resolve => {
    started = resolve
  })
  const aborted = new Promise<[boolean, unknown]>(resolve => {
    void httpPair(t, async request => {
      const derived = new Request(request, { headers: { 'x-a': 'b' } })
      const both = [request.signal, derived.signal].map(
        signal => new Promise(done => signal.addEventListener('abort', () => done(signal.reason)))
      )
      started()
      const [reason] = await Promise.all(both)
      resolve([request.signal.aborted, reason])
      return new Response()
    }).then(async ({ ask }) => {
      const controller = new AbortController()
      const asked = ask('/', { signal: controller.signal })
      await hasStarted
      controller.abort(new Error('enough'))
      await t.throwsAsync(asked, { message: 'enough' })
    })
  })
  t.true((await aborted)[0])
})

test("paths and hosts arrive in the platform's form", async t => {
  const { ask, server } = await httpPair(t, request => new Response(request.url))
  for (const path of [
    '/',
    '/a/b',
    '/a.b/..c',
    '/x/../y',
    '/./z',
    '/%2e%2e/z',
    '//x',
    '/é ?ü',
    '/a?b=c%20d&e',
    "/?'",
    '/a#b'
  ])
    t.is(await (await ask(path)).text(), new URL(`http://${server.id52}${path.replace(/#.*/, '')}`).href, path)
  t.is(await (await ask('http://Example.COM:80/x')).text(), 'http://example.com/x')
  t.is(await (await ask('/', { headers: { host: 'a.b:81' } })).text(), 'http://a.b:81/')
})

test('bodies are sent as given, even if the caller changes them meanwhile', async t => {
  const { ask } = await httpPair(t, async request => {
    return new Response(`${request.headers.get('content-type')} ${await request.text()}`)
  })
  const bytes = Buffer.from('before')
  const asked = ask('/', { method: 'POST', body: bytes })
  bytes.write('after!')
  t.is(await (await asked).text(), 'null before')
  t.is(await (await ask('/', { method: 'post', body: 'text' })).text(), 'text/plain;charset=UTF-8 text')
  t.is(await (await ask('/', { method: 'PUT', body: 'x', headers: { 'content-type': 'a/b' } })).text(), 'a/b x')
  t.is(await (await ask('/', { method: 'PATCH', body: new Blob(['x'], { type: 'c/d' }) })).text(), 'c/d x')
  t.is(await (await ask('/', { method: 'POST' })).text(), 'null ')
  await t.throwsAsync(ask('/', { method: 'GET', body: 'x' }), { instanceOf: TypeError })
  await t.throwsAsync(ask('/', { method: 'G T' }), { instanceOf: TypeError })
})
