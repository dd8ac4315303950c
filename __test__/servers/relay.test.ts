// Peers that reach each other through a relay, and lose it.
import { once } from 'node:events'
import test from 'ava'
import { isFastnNetError } from 'fastn-net'
import { Echo } from '../helpers/pair.js'
import { bound, exchange, open, openEcho, pathsOf } from './support/endpoints.js'
import { packetsOut } from './support/outside.js'
import { startRelay } from './support/relay.js'

test.afterEach('no packet left this machine', t => {
  t.is(packetsOut(), 0)
})

test('peers connected only by a relay exchange streams, and peers() shows the relay', async t => {
  const { url } = await startRelay(t)
  const far = await openEcho(t, { relays: [url], bind: bound.six })
  const near = await open(t, { relays: [url], bind: bound.four })
  const peer = { id52: far.id52, relays: [url] }
  await Promise.all([1, 2, 3].map(async () => exchange(t, await near.getStream(peer, Echo))))
  for (const endpoint of [near, far]) {
    const paths = pathsOf(endpoint).map(({ address, relay, selected }) => ({ address, relay, selected }))
    t.deepEqual(paths, [{ address: url, relay: true, selected: true }])
  }
})

test('a ticket waits for the home relay and suffices to connect', async t => {
  const { url } = await startRelay(t)
  const far = await openEcho(t, { relays: [url], bind: bound.six })
  const ticket = await far.ticket()
  t.deepEqual(far.address().relays, [url])
  const near = await open(t, { relays: [url], bind: bound.four })
  await exchange(t, await near.getStream(ticket, Echo))
})

test('a ticket contains the addresses if the relay is down', async t => {
  const { url, server } = await startRelay(t)
  await server.stop()
  const far = await openEcho(t, { relays: [url], bind: bound.four })
  const ticket = await far.ticket({ timeout: 500 })
  const near = await open(t, { relays: [url], bind: bound.four })
  await exchange(t, await near.getStream(ticket, Echo))
  t.true(pathsOf(near).every(path => !path.relay))
})

test('a relay admits endpoints with its token', async t => {
  const { url } = await startRelay(t, 'a secret')
  const relays = [{ url, token: 'a secret' }]
  const far = await openEcho(t, { relays, bind: bound.six })
  const near = await open(t, { relays, bind: bound.four })
  await exchange(t, await near.getStream(await far.ticket(), Echo))
})

for (const [what, token] of [
  ['no', undefined],
  ['another', 'a guess']
] as const) {
  test(`a relay refuses an endpoint with ${what} token, and its errors say so`, async t => {
    const { url } = await startRelay(t, 'a secret')
    const far = await openEcho(t, { relays: [{ url, token: 'a secret' }], bind: bound.six })
    const ticket = await far.ticket()
    const near = await open(t, { relays: [token === undefined ? url : { url, token }], bind: bound.four })
    // Waits until the relay has refused the endpoint.
    await near.ticket({ timeout: 30_000 })
    const error = await t.throwsAsync(near.getStream(ticket, Echo, { timeout: 3000 }))
    t.true(isFastnNetError(error, 'ERR_UNREACHABLE'))
    t.log(error.message)
    t.true(error.message.includes(`the relay ${url} does not let this endpoint in`))
    t.false(error.message.includes('a guess'))
  })
}

test.serial('a ticket does not wait for a relay that refuses this endpoint, and warns', async t => {
  const { url } = await startRelay(t, 'a secret')
  const far = await openEcho(t, { relays: [{ url, token: 'a guess' }], bind: bound.four })
  const warned = once(process, 'warning') as Promise<[NodeJS.ErrnoException]>
  const began = performance.now()
  const ticket = await far.ticket({ timeout: 30_000 })
  t.true(performance.now() - began < 10_000)
  const [{ name, code, message }] = await warned
  t.deepEqual([name, code], ['FastnNetWarning', 'ERR_RELAY'])
  t.true(message.includes(`the relay ${url} does not let this endpoint in`), message)
  t.false(message.includes('a guess'))
  // It contains the addresses, like any other ticket.
  const near = await open(t, { relays: [], bind: bound.four })
  await exchange(t, await near.getStream(ticket, Echo))
  t.true(pathsOf(near).every(path => !path.relay))
})

test('direct connections continue while the relay is down', async t => {
  const { url, server } = await startRelay(t)
  const far = await openEcho(t, { relays: [url], bind: bound.four })
  const near = await open(t, { relays: [url], bind: bound.four })
  const ticket = await far.ticket()
  const stream = await near.getStream(ticket, Echo)
  // The direct path is found while the relay is up.
  for await (const { connections } of near.watch()) {
    if (connections[0]?.paths.some(({ relay, selected }) => selected && !relay)) break
  }
  await server.stop()
  await stream.write('before\n')
  t.is(await stream.nextString(), 'before')
  await exchange(t, await near.getStream(ticket, Echo))
  await server.start()
  await exchange(t, stream)
})

test('peers behind a relay recover from its short outage', async t => {
  const { url, server } = await startRelay(t)
  const far = await openEcho(t, { relays: [url], bind: bound.six })
  const near = await open(t, { relays: [url], bind: bound.four })
  const stream = await near.getStream(await far.ticket(), Echo)
  await server.stop()
  await stream.write('there and ')
  await server.start()
  await stream.write('back\n')
  t.is(await stream.nextString(), 'there and back')
  await exchange(t, stream)
})

test('a peer behind a relay is lost without it, and reached again after its return', async t => {
  const { url, server } = await startRelay(t)
  const far = await openEcho(t, { relays: [url], bind: bound.six })
  const near = await open(t, { relays: [url], bind: bound.four })
  const ticket = await far.ticket()
  const stream = await near.getStream(ticket, Echo)
  await server.stop()
  await t.throwsAsync(stream.read(), { code: 'ERR_CONNECTION_LOST' })
  const away = await t.throwsAsync(near.getStream(ticket, Echo, { timeout: 3000 }), { code: 'ERR_UNREACHABLE' })
  t.log(away.message)
  t.regex(away.message, /relay/)
  // Both sides return to the relay with a backoff of up to 16 s.
  const again = near.getStream(ticket, Echo, { timeout: 90_000 })
  await server.start()
  await exchange(t, await again)
})
