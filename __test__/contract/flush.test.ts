import test from 'ava'
import { Echo, pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

test('the peer sees a stream on which nothing was written, finished or read', async t => {
  await using peers = await pair()
  await peers.stream()
  const incoming = peers.server.acceptBi('Tcp')
  const mine = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  const { value: theirs } = await prompt(incoming.next(), 'the header')
  t.is(theirs?.remoteId52, peers.client.id52)
  t.is(mine.protocol, 'Tcp')
})

test('a stream is acknowledged even if its acceptor does nothing', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi(Echo)
  const opening = peers.client.getStream(peers.server.address(), Echo)
  const { value: theirs } = await incoming.next()
  t.is((await prompt(opening, 'the acknowledgement')).remoteId52, peers.server.id52)
  t.is(theirs?.remoteId52, peers.client.id52)
})

test('a small first write arrives even if nothing follows', async t => {
  await using peers = await pair()
  await peers.stream()
  const incoming = peers.server.acceptBi('Tcp')
  const mine = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  await mine.write('first\n')
  const { value: theirs } = await incoming.next()
  t.is(await prompt(theirs!.nextString(), 'the first bytes'), 'first')
  await theirs!.write('answer\n')
  t.is(await prompt(mine.nextString(), 'the answer'), 'answer')
})
