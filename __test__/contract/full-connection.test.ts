import test from 'ava'
import type { EndpointOptions, PeerStream } from 'fastn-net'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'

/** Fills the connection with one unread stream, so that others cannot send. */
const narrow: EndpointOptions = { receiveWindow: 65_536, closeTimeout: 500 }

test('a writer blocked by a full connection sees a stop', async t => {
  await using peers = await pair(narrow)
  const { client, server } = peers
  const incoming = server.acceptBi('Tcp')
  const address = server.address()
  const mine = await client.getStream(address, 'Tcp')
  const { value: theirs } = await incoming.next()
  const filling = await client.getStream(address, 'Tcp')
  void filling.write(pattern(1_000_000)).catch(() => {})
  await turn()
  const writing = mine.write('not now')
  await turn()
  theirs?.stop(7)
  await t.throwsAsync(writing, { code: 'ERR_STREAM_STOPPED', message: /code 7/ })
})

test("the error of a stream without room names the peer's unread streams", async t => {
  await using peers = await pair({ ...narrow, ackTimeout: 2000 })
  const { client, server } = peers
  const incoming = server.acceptBi('Tcp')
  const address = server.address()
  const filling = await client.getStream(address, 'Tcp')
  const whole = filling.finish(pattern(1_000_000))
  const { value: unread } = await incoming.next()
  await turn()
  const expected = { code: 'ERR_ACK_TIMEOUT', message: /must read or stop the other streams/ } as const
  await t.throwsAsync(client.getStream(address, 'Tcp'), expected)
  const deferred = await client.getStream(address, 'Tcp', { ack: 'later' })
  await t.throwsAsync(deferred.read(), expected)
  // Finished after a header that was never sent: no handler takes it, although no call waits for an answer.
  const finished = await client.getStream(address, 'Tcp', { ack: 'later' })
  await finished.finish('unsent')
  await t.throwsAsync(finished.closed, { code: 'ERR_ACK_TIMEOUT' })
  t.is((await readAll(unread as PeerStream)).length, 1_000_000)
  await whole
})
