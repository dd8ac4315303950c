// HTTP with hostile peers and programs: cancellation at every point, forged headers, false answers.
import test from 'ava'
import { Protocol } from 'fastn-net'
import { httpPair } from '../helpers/http-pair.js'
import { pair } from '../helpers/pair.js'

const protocol = Protocol.generic({ fastn: 'http', service: '' })

const points = ['at once', 'after a turn', 'in the handler', 'behind the head', 'within the body', 'in the upload']

for (const point of points) {
  test(`an abort ${point} rejects with its reason and ends the handler`, async t => {
    const controller = new AbortController()
    const { signal } = controller
    const reason = new Error(point)
    const abort = () => controller.abort(reason)
    let left = () => {}
    const hasLeft = new Promise<void>(resolve => {
      left = resolve
    })
    const seen = { handled: false }
    const { ask, client, server } = await httpPair(t, async request => {
      seen.handled = true
      request.signal.addEventListener('abort', left)
      if (point === 'in the handler') {
        abort()
        await hasLeft
      }
      const body = new ReadableStream({
        start: controller => {
          if (point === 'within the body') controller.enqueue(Buffer.from('part'))
        },
        cancel: left
      })
      if (point === 'in the upload') await request.text()
      return new Response(body)
    })
    await client.ping(server.address())
    const upload = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000))
        return new Promise(resolve => setImmediate(resolve))
      }
    })
    const init = point === 'in the upload' ? { method: 'POST', body: upload, signal } : { signal }
    if (point === 'at once') abort()
    const asked = ask('/', init)
    if (point === 'after a turn') await Promise.resolve().then(abort)
    if (point === 'in the upload') setTimeout(abort, 50)
    if (point === 'behind the head' || point === 'within the body') {
      const reader = (await asked).body!.getReader()
      if (point === 'within the body') t.is((await reader.read()).value?.length, 4)
      const reading = reader.read()
      abort()
      t.is(await t.throwsAsync(reading), reason)
    } else t.is(await t.throwsAsync(asked), reason)
    if (seen.handled) await hasLeft
    t.is((await ask('/', { method: 'HEAD' })).status, 200)
  })
}

test('an abort after the end changes nothing', async t => {
  const { ask } = await httpPair(t, () => new Response('fine'))
  const controller = new AbortController()
  const response = await ask('/', { signal: controller.signal })
  const streamed = await ask('/', { signal: controller.signal })
  t.is(await streamed.text(), 'fine')
  controller.abort()
  t.is(await response.text(), 'fine')
})

test('no header, method or path can inject a line', async t => {
  const seen: string[] = []
  const { ask, client, server } = await httpPair(t, request => {
    seen.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get('x-evil')}`)
    return new Response()
  })
  const evil = 'a\r\nx-evil: b'
  for (const init of [
    { headers: { 'x-a': evil } },
    { headers: { host: evil } },
    { headers: [[evil, 'a']] },
    { method: `GET / HTTP/1.1\r\nx-evil: b\r\n` },
    { method: evil }
  ])
    await t.throwsAsync(ask('/', init), { instanceOf: TypeError })
  await ask('/a HTTP/1.1\r\nx-evil: b\r\n\r\n')
  await ask('http://h/a\r\nx-evil: b')
  t.deepEqual(seen, ['GET /a%20HTTP/1.1x-evil:%20b null', 'GET /ax-evil:%20b null'])
  server.serveHttp(() => ({ status: 200, statusText: '', headers: new Map([['x', evil]]), body: null }) as never, {
    service: 'evil',
    onError: () => {}
  })
  await t.throwsAsync(client.fetch(server.address(), '/', { service: 'evil' }), { code: 'ERR_STREAM_RESET' })
})

test('fastn-peer is the caller, in every spelling', async t => {
  const { client, server } = await httpPair(t, request => new Response(JSON.stringify([...request.headers])))
  for (const lines of [
    'fastn-peer: x\r\n',
    'Fastn-Peer: x\r\nFASTN-PEER: y\r\n',
    'Connection: fastn-peer\r\n',
    'Connection: close, FASTN-PEER\r\nfastn-peer: x\r\n'
  ]) {
    await using stream = await client.getStream(server.address(), protocol)
    await stream.finish(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)
    const headers = JSON.parse((await stream.text()).split('\r\n\r\n')[1] as string)
    t.deepEqual(headers, [
      ['fastn-peer', client.id52],
      ['host', 'a']
    ])
  }
  await using stream = await client.getStream(server.address(), protocol)
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n0\r\nfastn-peer: x\r\n\r\n'
  await stream.finish(`POST / HTTP/1.1\r\nHost: a\r\n${chunked}`)
  t.true((await stream.text()).includes(`["fastn-peer","${client.id52}"]`))
})

test('an unusable Response is status 500, and its reason goes to onError', async t => {
  const once = new Response('once')
  const answers: Record<string, () => unknown> = {
    '/error': () => Response.error(),
    '/twice': () => once,
    '/none': () => undefined,
    '/upgrade': () => ({ status: 101, statusText: '', headers: new Headers(), body: null }),
    '/used': () => {
      const used = new Response('x')
      void used.text()
      return used
    }
  }
  const { ask, errors } = await httpPair(t, request => answers[new URL(request.url).pathname]?.() as Response)
  t.is(await (await ask('/twice')).text(), 'once')
  for (const path of Object.keys(answers)) t.is((await ask(path)).status, 500, path)
  t.is(errors.length, 5)
  t.true(errors.every(error => error instanceof TypeError))
})

test('a body that does not consist of bytes is a reset', async t => {
  const { ask, errors } = await httpPair(t, () => {
    const body = new ReadableStream({ start: controller => controller.enqueue('text') })
    return { status: 200, statusText: '', headers: new Headers(), body } as never
  })
  await t.throwsAsync(ask('/'), { code: 'ERR_STREAM_RESET' })
  t.true(errors[0] instanceof TypeError)
})

test('content encodings pass unchanged, and fetch requests none', async t => {
  const { ask } = await httpPair(t, request => {
    const headers = { 'content-encoding': 'gzip', 'x-asked': String(request.headers.get('accept-encoding')) }
    return new Response('not gzip', { headers })
  })
  const response = await ask('/')
  t.is(response.headers.get('x-asked'), 'null')
  t.is(response.headers.get('content-encoding'), 'gzip')
  t.is(await response.text(), 'not gzip')
})

const bodiless: Record<string, string> = {
  'HEAD with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n',
  '204 with a body': 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
  '304 with a length': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n'
}

test('answers without a body have none, whatever their headers say', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let answer = ''
  server.listen([[protocol, stream => stream.finish(answer)]])
  for (const [what, text] of Object.entries(bodiless)) {
    answer = text
    const response = await client.fetch(server.address(), '/', { method: what.startsWith('HEAD') ? 'HEAD' : 'GET' })
    t.is(response.body, null, what)
    t.is(await response.text(), '', what)
  }
})

test('an answer that arrives byte by byte is read, within its limits', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.listen([
    [
      protocol,
      async stream => {
        const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x="y"\r\nabc\r\n0\r\nx: y\r\n\r\n'
        for (const byte of Buffer.from(text)) {
          await stream.write(Uint8Array.of(byte))
          await new Promise(resolve => setImmediate(resolve))
        }
      }
    ]
  ])
  t.is(await (await client.fetch(server.address(), '/')).text(), 'abc')
})

test('the next request of a stream begins after the body, however its packets are split', async t => {
  const { client, server } = await httpPair(t, async request => new Response(`<${await request.text()}>`))
  const chunk = `4;e="${'x'.repeat(100)}"\r\nabcd\r\n`
  const first = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(50)}0\r\nt: u\r\n\r\n`
  const second = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz'
  const bytes = Buffer.from(first + second + first)
  for (const size of [1, 7, 64, 1_000, bytes.length]) {
    await using stream = await client.getStream(server.address(), protocol)
    const sending = (async () => {
      for (let at = 0; at < bytes.length; at += size) {
        await stream.write(bytes.subarray(at, at + size))
        if (size < 1_000) await new Promise(resolve => setImmediate(resolve))
      }
      await stream.finish()
    })()
    const bodies = (await stream.text()).match(/<[^>]*>/g)
    await sending
    t.deepEqual(bodies, [`<${'abcd'.repeat(50)}>`, '<xyz>', `<${'abcd'.repeat(50)}>`], `pieces of ${size}`)
  }
})
