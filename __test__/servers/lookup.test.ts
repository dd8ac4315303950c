// Peers that are known only by ID52 and found through your own server.
import test from 'ava'
import { isFastnNetError, SecretKey } from 'fastn-net'
import { Echo } from '../helpers/pair.js'
import { dnsServer } from './support/dns-server.js'
import { bound, exchange, open, openEcho, pathsOf } from './support/endpoints.js'
import { packetsOut } from './support/outside.js'
import { startRelay } from './support/relay.js'

test.afterEach('no packet left this machine', t => {
  t.is(packetsOut(), 0)
})

test('a peer publishes by pkarr and is found by its ID52 through pkarr', async t => {
  const { pkarr, server } = await dnsServer(t)
  await server.start()
  const far = await openEcho(t, { pkarr, bind: bound.four })
  const near = await open(t, { pkarr, bind: bound.four })
  await exchange(t, await near.getStream(far.id52, Echo))
})

test('a peer that publishes by pkarr is found through DNS', async t => {
  const { pkarr, dns, server } = await dnsServer(t)
  await server.start()
  const far = await openEcho(t, { pkarr, bind: bound.four })
  const near = await open(t, { dns, bind: bound.four })
  await exchange(t, await near.getStream(far.id52, Echo))
})

test('a peer behind a relay publishes only the relay, and is reached through it', async t => {
  const { url } = await startRelay(t)
  const { pkarr, dns, server } = await dnsServer(t)
  await server.start()
  const far = await openEcho(t, { relays: [url], pkarr, bind: bound.six })
  const near = await open(t, { relays: [url], dns, bind: bound.four })
  await exchange(t, await near.getStream(far.id52, Echo))
  t.deepEqual(
    pathsOf(near).map(({ address }) => address),
    [url]
  )
})

test('a peer that returns at another address is found again', async t => {
  const { pkarr, server } = await dnsServer(t)
  await server.start()
  const key = SecretKey.generate()
  const before = await openEcho(t, { pkarr, bind: bound.four }, { key })
  const near = await open(t, { pkarr, bind: bound.four })
  await exchange(t, await near.getStream(before.id52, Echo))
  const { addresses } = before.address()
  await before.close()
  const after = await openEcho(t, { pkarr, bind: bound.four }, { key })
  t.notDeepEqual(after.address().addresses, addresses)
  await exchange(t, await near.getStream(after.id52, Echo))
})

test('a peer publishes once an absent server returns', async t => {
  const { pkarr, dns, server } = await dnsServer(t)
  const far = await openEcho(t, { pkarr, bind: bound.four })
  const near = await open(t, { dns, bind: bound.four })
  const reached = near.getStream(far.id52, Echo, { timeout: 90_000 })
  await server.start()
  await exchange(t, await reached)
})

for (const by of ['pkarr', 'dns'] as const) {
  test(`an unpublished peer is not found by ${by}, and the error says where it was looked up`, async t => {
    const { server, ...urls } = await dnsServer(t)
    await server.start()
    const near = await open(t, { [by]: urls[by], bind: bound.four })
    const { id52 } = SecretKey.generate()
    const error = await t.throwsAsync(near.getStream(id52, Echo, { timeout: 2000 }))
    t.log(error.message)
    t.true(isFastnNetError(error, 'ERR_UNREACHABLE'))
    t.true(error.message.includes(`look-up by ${by === 'dns' ? 'DNS' : by}`))
  })
}
