// Alone in its file, because timers that the library starts while it runs never fire.
import test from 'ava'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

test("headers and acks are sent while the program's timers are frozen", async t => {
  await using peers = await pair()
  await peers.stream()
  const incoming = peers.server.acceptBi('Tcp')
  const { setTimeout } = globalThis
  // Deferred work of the first stream is done by then.
  await new Promise(resolve => setTimeout(resolve, 200))
  const never = { unref: () => never, ref: () => never }
  globalThis.setTimeout = (() => never) as never
  const opened = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  const arriving = incoming.next()
  globalThis.setTimeout = setTimeout
  const { value: theirs } = await prompt(arriving, 'the header')
  t.is(theirs?.remoteId52, peers.client.id52)
  t.is(opened.remoteId52, peers.server.id52)
})
