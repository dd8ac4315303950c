// What a view of a connection says after it was given back, and what it does to the connection meanwhile.
import test from 'ava'
import { Echo, pair, turn } from '../helpers/pair.js'

test('closed tells the truth also when it is first asked for after disposal', async t => {
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

test('closed tells the truth when the connection ended between disposal and the question', async t => {
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

test('a disposed view opens no stream', async t => {
  await using peers = await pair()
  peers.server.acceptBi(Echo)
  const view = await peers.client.connect(peers.server.address())
  await view[Symbol.asyncDispose]()
  await t.throwsAsync(view.openBi(Echo), { code: 'ERR_CLOSED' })
  t.throws(() => view.stats(), { code: 'ERR_CLOSED' })
})

test('a stream that is over and held keeps its connection from idling out no longer, although it was asked for it', async t => {
  await using peers = await pair({ idleTimeout: 300 })
  const [mine, theirs] = await peers.stream()
  const view = mine.connection
  t.true(view.rtt! >= 0)
  const { closed } = view
  await Promise.all([mine.finish(), theirs.finish()])
  t.is(await mine.read(), null)
  t.is(await theirs.read(), null)
  // Waiting for it keeps no process alive.
  const late = setTimeout(() => t.fail('it did not idle out'), 20_000)
  t.is((await closed).code, 0x101)
  clearTimeout(late)
  t.is(mine.connection, view)
})
