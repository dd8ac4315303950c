// fetch and serveHttp: streamed bodies, and overlapping requests and answers.
import test from 'ava'
import { pair, pattern } from '../helpers/pair.js'

test('a long body of bytes can be echoed while it is sent', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(request => new Response(request.body))
  const bytes = pattern(15_000_000)
  const response = await client.fetch(server.address(), '/', { method: 'POST', body: bytes })
  t.is(Buffer.compare(new Uint8Array(await response.arrayBuffer()), bytes), 0)
})

test('a request and its answer stream at the same time', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(request => new Response(request.body?.pipeThrough(new TransformStream())))
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const first = writer.write(Buffer.from('one'))
  const response = await client.fetch(server.address(), '/', { method: 'POST', body: readable })
  const reader = response.body!.getReader()
  await first
  t.is(Buffer.from((await reader.read()).value!).toString(), 'one')
  const second = writer.write(Buffer.from('two'))
  t.is(Buffer.from((await reader.read()).value!).toString(), 'two')
  await second
  await writer.close()
  t.true((await reader.read()).done)
})

test('server-sent events arrive one by one, and the handler is notified when the caller disconnects', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let cancelled: () => void = () => {}
  const wasCancelled = new Promise<void>(resolve => {
    cancelled = resolve
  })
  let push: (text: string) => void = () => {}
  server.serveHttp(() => {
    const body = new ReadableStream({
      start(controller) {
        push = text => controller.enqueue(Buffer.from(`data: ${text}\n\n`))
        push('hello')
      },
      cancel: () => cancelled()
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const response = await client.fetch(server.address(), '/events')
  const reader = response.body!.getReader()
  for (const text of ['hello', 'again']) {
    if (text !== 'hello') push(text)
    t.is(Buffer.from((await reader.read()).value!).toString(), `data: ${text}\n\n`)
  }
  await reader.cancel()
  await wasCancelled
})

test('an answer may come before the request has ended', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(() => new Response('enough', { status: 409 }))
  let isCancelled: () => void = () => {}
  const cancelled = new Promise<void>(resolve => {
    isCancelled = resolve
  })
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(100_000))
    },
    cancel: () => isCancelled()
  })
  const response = await client.fetch(server.address(), '/', { method: 'POST', body })
  t.is(response.status, 409)
  t.is(await response.text(), 'enough')
  await cancelled
})

test('a handler that does not read its request blocks the caller by flow control', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let answer: () => void = () => {}
  server.serveHttp(() => new Promise(resolve => (answer = () => resolve(new Response('done')))), {
    maxBodyBytes: Number.POSITIVE_INFINITY
  })
  let sent = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      }
    },
    { highWaterMark: 0 }
  )
  const fetching = client.fetch(server.address(), '/', { method: 'POST', body })
  for (let before = -1; before !== sent || sent === 0; ) {
    before = sent
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  t.true(sent <= 20 * 1024 * 1024, `${sent} bytes were taken`)
  answer()
  t.is(await (await fetching).text(), 'done')
})
