// Alone in its file, because timers started while it runs never fire.
import test from 'ava'
import type { PeerStream, Protocol } from 'fastn-net'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

test('a stream opened on a full connection continues once there is room, regardless of the call that waits', async t => {
  // One unread stream fills the connection, so that others cannot send.
  await using peers = await pair({ receiveWindow: 65_536, closeTimeout: 500 })
  const { client, server } = peers
  const bulk = server.acceptBi('Tcp')
  const heard: string[] = []
  server.listen({
    // Writes first, because the opener may write nothing.
    Http: stream => stream.write('welcome\n'),
    async Socks5(stream) {
      heard.push(await stream.nextString())
      await stream.write('thanks\n')
    },
    HttpProxy() {
      heard.push('silent')
    }
  })
  const address = server.address()
  const filling = await client.getStream(address, 'Tcp')
  const whole = filling.finish(pattern(1_000_000))
  await turn()
  const open = (protocol: Protocol) => client.getStream(address, protocol, { ack: 'later' })
  // QUIC must wake these streams, not a timer.
  const { setTimeout } = globalThis
  t.teardown(() => {
    globalThis.setTimeout = setTimeout
  })
  const never = { unref: () => never, ref: () => never }
  globalThis.setTimeout = (() => never) as never
  const reads = await open('Http')
  const welcome = reads.nextString()
  const writes = await open('Socks5')
  const written = writes.write('hello\n')
  const thanks = writes.nextString()
  const silent = await open('HttpProxy')
  await new Promise(resolve => setTimeout(resolve, 50))
  t.deepEqual(heard, [])
  const { value } = await bulk.next()
  t.is((await readAll(value as PeerStream)).length, 1_000_000)
  await whole
  globalThis.setTimeout = setTimeout
  t.is(await prompt(welcome, 'what the peer says first'), 'welcome')
  await prompt(written, 'a write')
  t.is(await prompt(thanks, 'the answer to it'), 'thanks')
  t.is(await prompt(silent.read(), 'the end of a stream that says nothing'), null)
  t.deepEqual(heard.sort(), ['hello', 'silent'])
})
