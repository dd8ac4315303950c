// A disposed Connection, and the effect of a held one on the connection.
import test from 'ava'
import type { FastnNetError } from 'fastn-net'
import { Echo, pair, turn } from '../helpers/pair.js'

test('closed is right if first read after disposal', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const connections = server.accept()
  const view = await client.connect(server.address())
  const { value: theirs } = await connections.next()
  await view[Symbol.asyncDispose]()
  let settled = false
  const closed = view.closed.finally(() => {
    settled = true
  })
  await turn()
  await client.ping(server.address())
  t.false(settled)
  theirs!.close(7, 'enough')
  t.deepEqual(await closed, { code: 7, reason: 'enough', by: 'peer' })
})

test('closed is right if the connection ended between disposal and the first read', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const connections = server.accept()
  const view = await client.connect(server.address())
  const other = await client.connect(server.address())
  const { value: theirs } = await connections.next()
  await view[Symbol.asyncDispose]()
  theirs!.close(8, 'over')
  await other.closed
  t.deepEqual(await view.closed, { code: 8, reason: 'over', by: 'peer' })
})

test('a disposed connection opens no stream', async t => {
  await using peers = await pair()
  peers.server.acceptBi(Echo)
  const view = await peers.client.connect(peers.server.address())
  await view[Symbol.asyncDispose]()
  await t.throwsAsync(view.openBi(Echo), { code: 'ERR_CLOSED' })
  t.throws(() => view.stats(), { code: 'ERR_CLOSED' })
})

test('an ended stream whose connection was read does not hold off the idle timeout', async t => {
  await using peers = await pair({ idleTimeout: 300 })
  const [mine, theirs] = await peers.stream()
  const view = mine.connection
  t.true(view.rtt! >= 0)
  const { closed } = view
  await Promise.all([mine.finish(), theirs.finish()])
  t.is(await mine.read(), null)
  t.is(await theirs.read(), null)
  // Waiting for `closed` does not keep the process alive.
  const late = setTimeout(() => t.fail('it did not idle out'), 20_000)
  t.is((await closed).code, 0x101)
  clearTimeout(late)
  t.is(mine.connection, view)
})

test('a disposed connection no longer counts as use', async t => {
  await using peers = await pair()
  const peer = peers.server.address()
  peers.server.acceptBi(Echo)
  const view = await peers.client.connect(peer)
  await using other = await peers.client.connect(peer)
  t.is(other.stats().streams, 2)
  await view[Symbol.asyncDispose]()
  t.is(other.stats().streams, 1)
  const expected = { code: 'ERR_CLOSED', message: /^this connection handle is disposed/ } as const
  const opening = await t.throwsAsync<FastnNetError>(view.openBi(Echo), expected)
  const asking = t.throws<FastnNetError>(() => view.stats(), expected)
  t.like(opening, { peer: peers.server.id52, phase: 'open' })
  t.like(asking, { peer: peers.server.id52, phase: 'stats' })
})
