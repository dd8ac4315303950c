// The router: replacing its table, and closing it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { createEndpoint, type FastnNetErrorCode } from 'fastn-net'
import { createRouter, type RouterHandler } from 'fastn-net/router'
import { prompt } from '../helpers/prompt.js'
import { failureOf, gate, requestPair } from '../helpers/requests.js'
import { connectTo, failed } from '../helpers/sockets.js'
import { ask, readUntil } from '../helpers/web.js'

const says = (text: string) => () => new Response(text)

test('a new table applies from the next request and interrupts none', async t => {
  const { client, server, peer } = await requestPair(t)
  await using service = createServer((_, response) => {
    response.write('begin ')
    service.once('finish', () => response.end('end'))
  }).listen(0, '127.0.0.1')
  service.on('upgrade', (_, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  await once(service, 'listening')
  const backend = (service.address() as AddressInfo).port
  const go = gate()
  const both = gate()
  let calls = 0
  const slow: RouterHandler = async () => {
    if (++calls === 2) both.open()
    await go.opened
    return new Response('old')
  }
  await using router = await createRouter({
    endpoint: server,
    hosts: { slow: { handler: slow, allow: 'public' }, server: { backend, allow: 'public' }, gone: says('gone') }
  })
  const host = `connection: upgrade\r\nupgrade: echo\r\nhost: server.localhost\r\n\r\n`
  const socket = await connectTo(router.port)
  socket.write(`GET / HTTP/1.1\r\n${host}`)
  await readUntil(socket, /\r\n\r\n$/)
  const local = ask(router.port, 'slow.localhost')
  const remote = client.fetch(peer, '/', { service: 'slow' })
  const running = await client.fetch(peer, '/', { service: 'server' })
  await both.opened
  await router.update({
    hosts: { slow: says('new'), fresh: { handler: says('fresh'), allow: 'public' } },
    home: { handler: says('home'), allow: 'public' }
  })
  t.is((await ask(router.port, 'slow.localhost')).body, 'new')
  t.is((await ask(router.port, 'gone.localhost')).status, 421)
  t.is(await (await client.fetch(peer, '/')).text(), 'home')
  t.is(await (await client.fetch(peer, '/', { service: 'fresh' })).text(), 'fresh')
  t.is((await failureOf(client.fetch(peer, '/', { service: 'server' }))).code, 'ERR_PROTOCOL_UNSUPPORTED')
  go.open()
  service.emit('finish')
  t.is((await local).body, 'old')
  t.is(await (await remote).text(), 'old')
  t.is(await running.text(), 'begin end')
  socket.end('still here')
  t.is(await prompt(text(socket), 'the end'), 'still here')
})

test('an invalid table changes nothing', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serveHttp(says('other'), { service: 'taken' })
  await using router = await createRouter({ endpoint: server, hosts: { a: { handler: says('a'), allow: 'public' } } })
  const wrong: [object, FastnNetErrorCode][] = [
    [{ hosts: { b: { folder: '/no/such/folder', allow: 'public' } } }, 'ERR_INVALID_ARGUMENT'],
    [
      { hosts: { b: { handler: says('b'), allow: 'public' }, taken: { handler: says(''), allow: 'public' } } },
      'ERR_PROTOCOL_IN_USE'
    ],
    [{ host: {} }, 'ERR_INVALID_ARGUMENT']
  ]
  for (const [table, code] of wrong) {
    t.is((await failureOf(router.update(table as never))).code, code)
    t.is((await ask(router.port, 'a.localhost')).body, 'a')
    t.is(await (await client.fetch(peer, '/', { service: 'a' })).text(), 'a')
    t.is((await failureOf(client.fetch(peer, '/', { service: 'b' }))).code, 'ERR_PROTOCOL_UNSUPPORTED')
  }
  t.like(
    await failureOf(createRouter({ endpoint: server, hosts: { taken: { handler: says(''), allow: 'public' } } })),
    {
      code: 'ERR_PROTOCOL_IN_USE'
    }
  )
  // A local host does not count: the name is free.
  await router.update({ hosts: { taken: says('local') } })
  t.is((await ask(router.port, 'taken.localhost')).body, 'local')
})

test('close waits for requests in progress, and resets them after its timeout', async t => {
  await using endpoint = await createEndpoint({ network: 'loopback' })
  const go = gate()
  const called = gate()
  const handler = async () => {
    called.open()
    await go.opened
    return new Response('done')
  }
  const router = await createRouter({ endpoint, hosts: { slow: handler } })
  const idle = await connectTo(router.port)
  const idleEnd = failed(idle)
  const answered = ask(router.port, 'slow.localhost', '/', { agent: undefined })
  await called.opened
  const closing = router.close({ timeout: 10_000 })
  await prompt(idleEnd, 'the end of the idle connection')
  t.is((await failureOf(router.update({}))).code, 'ERR_CLOSED')
  go.open()
  t.is((await answered).headers.connection, 'close')
  await prompt(closing, 'close')
  await prompt(router.closed, 'closed')

  const second = await createRouter({
    endpoint,
    port: router.port,
    hosts: { slow: () => new Promise<Response>(() => {}) }
  })
  const socket = await connectTo(second.port)
  socket.write('GET / HTTP/1.1\r\nhost: slow.localhost\r\n\r\n')
  const end = failed(socket)
  await prompt(second.close({ timeout: 50 }), 'close')
  await prompt(end, 'the end of the connection')
  const controller = new AbortController()
  const third = await createRouter({ endpoint, signal: controller.signal })
  controller.abort()
  await prompt(third.closed, 'closed')
  const other = await createEndpoint({ network: 'loopback' })
  const fourth = await createRouter({ endpoint: other, home: { handler, allow: 'public' } })
  await other.close()
  await prompt(fourth.closed, 'closed')
  t.is((await failureOf(createRouter({ endpoint: other }))).code, 'ERR_CLOSED')
  await t.throwsAsync(createRouter({ endpoint, signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
})
