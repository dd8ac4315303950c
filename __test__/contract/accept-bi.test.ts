// Loops over incoming streams, and streams that nothing accepts.
import test from 'ava'
import { Protocol } from 'fastn-net'
import { Echo, pair, readAll } from '../helpers/pair.js'

test('a protocol has one listener at a time', async t => {
  await using peers = await pair()
  const first = peers.server.acceptBi(['Http', Protocol.generic({ a: 1, b: 2 })])
  t.throws(() => peers.server.acceptBi('Http'), { code: 'ERR_PROTOCOL_IN_USE' })
  await t.throwsAsync(peers.server.listen([[{ Generic: { b: 2, a: 1 } }, () => {}]]).ready, {
    code: 'ERR_PROTOCOL_IN_USE'
  })
  await first.return()
  const second = peers.server.acceptBi('Http')
  const [stream, { value }] = await Promise.all([peers.client.getStream(peers.server.address(), 'Http'), second.next()])
  t.deepEqual([stream.protocol, value?.protocol], ['Http', 'Http'])
  await second.return()
})

test('acceptBi yields streams until the loop is left, and then refuses them', async t => {
  await using peers = await pair()
  const opening = Promise.all([1, 2, 3].map(() => peers.client.getStream(peers.server.address(), Echo)))
  let count = 0
  for await (const stream of peers.server.acceptBi(Echo)) {
    await stream.finish(String(++count))
    if (count === 3) break
  }
  const answers = await Promise.all((await opening).map(readAll))
  t.deepEqual(answers.map(String).sort(), ['1', '2', '3'])
  await t.throwsAsync(peers.client.getStream(peers.server.id52, Echo), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('acceptBi ends with its signal and with the endpoint, without an error', async t => {
  await using peers = await pair()
  const controller = new AbortController()
  const byAbort = peers.server.acceptBi('Http', { signal: controller.signal })
  const [first, second] = [byAbort.next(), byAbort.next()]
  controller.abort()
  t.deepEqual(await Promise.all([first, second]), [
    { done: true, value: undefined },
    { done: true, value: undefined }
  ])
  t.true((await peers.server.acceptBi('Http', { signal: controller.signal }).next()).done)
  const byClose = peers.server.acceptBi('Http')
  const next = byClose.next()
  await peers.server.close()
  t.true((await next).done)
})

test('refuses a protocol without a listener, with ack now and later', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi('Http')
  const expected = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Tcp'), expected)
  const stream = await peers.client.getStream(peers.server.id52, 'Tcp', { ack: 'later' })
  await t.throwsAsync(stream.read(), expected)
  await t.throwsAsync(stream.write('x'), expected)
  await t.throwsAsync(stream.finish(), expected)
  await t.throwsAsync(stream.closed, expected)
  await serving.return()
})

test('with ack later, a refusal rejects pending calls on both halves', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi('Http')
  await peers.client.connect(peers.server.address())
  const stream = await peers.client.getStream(peers.server.id52, 'Tcp', { ack: 'later' })
  const expected = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
  await Promise.all([
    t.throwsAsync(stream.read(), expected),
    t.throwsAsync(stream.write(new Uint8Array(32_000_000)), expected),
    t.throwsAsync(stream.closed, expected)
  ])
  await serving.return()
})
