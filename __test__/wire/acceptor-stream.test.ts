// We accept, and a raw peer dials: streams after their ack.
import test from 'ava'
import { type PeerStream, Protocol, type StreamHandlers } from 'fastn-net'
import { receiveTo, sendFrom } from 'fastn-net/node'
import { accepted, acceptor, alpns, echo, echoLine, failure, next, ownCode } from '../helpers/wire.js'

const ack = 'ack\n'

/** Echoes a line. Returning ends the stream, and stops its unread rest. */
const handlers: StreamHandlers = [
  [
    echo,
    async stream => {
      await stream.write(`${await stream.nextString()}\n`)
    }
  ]
]

for (const alpn of alpns) {
  test(`${alpn}: releases unread and unfinished streams that the peer has dropped`, async t => {
    const most = 40
    const acceptor_ = await acceptor(t, alpn, echo, { maxStreams: most })
    const held: PeerStream[] = []
    for (let count = 0; count < most * 5; count++) {
      const [ours, theirs] = await accepted(acceptor_)
      held.push(ours)
      await theirs.finish(`line ${count}\n`)
      await theirs.drop()
    }
    for (const [count, ours] of held.entries()) {
      t.is(await ours.nextString(), `line ${count}`)
      t.is(await ours.read(), null)
      t.like(await failure(ours.write('answer')), { code: 'ERR_STREAM_STOPPED', errorCode: 0 })
    }
  })

  test(`${alpn}: each side may finish first and continue reading`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    {
      const [ours, theirs] = await accepted(acceptor_)
      await theirs.finish('question\n')
      t.is(await ours.nextString(), 'question')
      t.is(await ours.read(), null)
      await ours.write('one ')
      await ours.finish('two')
      t.is(await theirs.rest(), 'one two')
    }
    {
      const [ours, theirs] = await accepted(acceptor_)
      await ours.finish('greeting')
      t.is(await theirs.rest(), 'greeting')
      await ours.closed
      await theirs.finish('late answer\n')
      t.is(await ours.nextString(), 'late answer')
      t.is(await ours.read(), null)
    }
  })

  test(`${alpn}: carries many bytes of all values, both ways`, async t => {
    const [ours, theirs] = await accepted(await acceptor(t, alpn))
    const bytes = Buffer.alloc(1_000_000, 'The bytes of a stream have no meaning. \n\r\0')
    const sending = ours.finish(bytes)
    t.true((await theirs.rest()) === bytes.toString())
    await sending
    await theirs.finish(bytes)
    const got = []
    for await (const chunk of ours) got.push(chunk)
    t.is(Buffer.compare(Buffer.concat(got), bytes), 0)
  })

  test(`${alpn}: codes of resets and stops pass unchanged, from the peer`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    for (const code of [0, 7, 0x101, 2 ** 32 + 1, 2 ** 53 - 1]) {
      const [ours, theirs] = await accepted(acceptor_)
      await theirs.reset(code)
      t.like(await failure(ours.read()), { code: 'ERR_STREAM_RESET', errorCode: code })
      await theirs.stop(code)
      t.like(await failure(writeOn(ours)), { code: 'ERR_STREAM_STOPPED', errorCode: code })
    }
  })

  test(`${alpn}: codes of resets and stops pass unchanged, to the peer`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    for (const code of [0, 7, 0x200, 2 ** 53 - 1]) {
      const [ours, theirs] = await accepted(acceptor_)
      ours.reset(code)
      t.is(await theirs.wasReset(), code)
      ours.stop(code)
      t.is(await theirs.stopped(), code)
    }
  })

  test(`${alpn}: one half may be reset or stopped while the other continues`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    const [reset, resetRaw] = await accepted(acceptor_)
    reset.reset(5)
    await resetRaw.finish('read all the same\n')
    t.is(await reset.nextString(), 'read all the same')
    const [stopped, stoppedRaw] = await accepted(acceptor_)
    stopped.stop(6)
    t.is(await stoppedRaw.stopped(), 6)
    await stopped.finish('sent all the same\n')
    t.is(await stoppedRaw.rest(), 'sent all the same\n')
  })

  test(`${alpn}: resets an unfinished stream that is dropped, and never sends FIN`, async t => {
    const [ours, theirs] = await accepted(await acceptor(t, alpn))
    await ours.write('half a message')
    await ours[Symbol.asyncDispose]()
    t.is(await theirs.wasReset(), 0)
    t.is(await theirs.stopped(), 0)
  })

  test(`${alpn}: aborting a partly accepted write resets the stream`, async t => {
    const [ours, theirs] = await accepted(await acceptor(t, alpn))
    const controller = new AbortController()
    const writing = ours.write(new Uint8Array(64 * 1024 * 1024), { signal: controller.signal })
    t.is((await theirs.take(1000)).length, 1000)
    controller.abort()
    t.is(await failure(writing), controller.signal.reason)
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
  })

  test(`${alpn}: a handler that returns finishes its stream; one that throws resets it`, async t => {
    const { endpoint, raw } = await acceptor(t, alpn)
    const controller = new AbortController()
    const failures: unknown[] = []
    const listener = endpoint.listen(
      [
        ['Tcp', stream => stream.write('Response\n')],
        [Protocol.generic('Fail'), () => Promise.reject(new Error('as planned'))]
      ],
      { signal: controller.signal, onError: error => failures.push(error) }
    )
    const good = await raw.open('"Tcp"\nwhat nobody reads')
    t.is(await good.rest(), 'ack\nResponse\n')
    t.is(await good.stopped(), 0)
    const bad = await raw.open('{"Generic":"Fail"}\n')
    t.is(await bad.wasReset(), ownCode(alpn, 0x102))
    t.is(await bad.stopped(), ownCode(alpn, 0x102))
    t.is((failures[0] as Error).message, 'as planned')
    controller.abort()
    await listener.closed
  })

  test(`${alpn}: a failed transfer ends its halves with its own code`, async t => {
    const [ours, theirs] = await accepted(await acceptor(t, alpn))
    await t.throwsAsync(receiveTo(ours, '/no/such/folder/file'), { code: 'ERR_FILE' })
    t.is(await theirs.stopped(), ownCode(alpn, 0x102))
    await t.throwsAsync(sendFrom(ours, ['text'], { signal: AbortSignal.abort() }), { any: true })
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
  })

  test(`${alpn}: 1,000 exchanges, each stopped by the peer before FIN`, async t => {
    const { endpoint, raw } = await acceptor(t, alpn, 'Tcp', { maxStreams: 100 })
    endpoint.listen(handlers, { onError: () => {} })
    for (let count = 0; count < 500; count++) {
      // The peer keeps its sending side open, so the handler's return stops it.
      const open = await raw.open(`${echoLine}line ${count}\n`)
      t.is(await open.take(ack.length + `line ${count}\n`.length), `${ack}line ${count}\n`)
      await open.drop()
      const finished = await raw.open()
      await finished.finish(`${echoLine}line ${count}\n`)
      t.is(await finished.take(ack.length + 1), `${ack}l`)
      await finished.drop()
    }
  })

  test(`${alpn}: 1,000 exchanges that the peer stops unread`, async t => {
    const { endpoint, raw } = await acceptor(t, alpn, 'Tcp', { maxStreams: 100 })
    endpoint.listen(handlers, { onError: () => {} })
    for (let count = 0; count < 1000; count++) {
      const theirs = await raw.open()
      await theirs.stop(0)
      await theirs.write(`${echoLine}line ${count}\n`)
      await theirs.drop()
    }
    t.is(await (await raw.open(`${echoLine}last\n`)).rest(), `${ack}last\n`)
  })

  test(`${alpn}: 1,000 streams reset within their header, after it, or before any write`, async t => {
    const { endpoint, raw } = await acceptor(t, alpn, 'Tcp', { maxStreams: 100 })
    endpoint.listen(handlers, { onError: () => {} })
    for (let count = 0; count < 1000; count++) {
      const theirs = await raw.open(['', '{"Gene', echoLine, `${echoLine}begun`][count % 4])
      await theirs.stop(0)
      await theirs.reset(count)
    }
    t.is(await (await raw.open(`${echoLine}last\n`)).rest(), `${ack}last\n`)
  })

  test(`${alpn}: 1,000 refusals, read by the peer or not`, async t => {
    const { raw } = await acceptor(t, alpn, echo, { maxStreams: 100 })
    for (let count = 0; count < 1000; count++) {
      const theirs = await raw.open(count % 3 === 0 ? '"Nope"\n' : '"Http"\nsome payload')
      if (count % 2 === 0) t.true((await theirs.rest()).startsWith('{"error":'))
      await theirs.drop()
    }
  })

  test(`${alpn}: an unread stream blocks no other`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    const [unread, unreadRaw] = await accepted(acceptor_)
    const flooding = unreadRaw.write(new Uint8Array(4 * 1024 * 1024))
    flooding.catch(() => {})
    const [ours, theirs] = await accepted(acceptor_)
    await theirs.finish('hello\n')
    t.is(await ours.nextString(), 'hello')
    unread.stop(0)
  })
}

test('a complete stream is delivered even if its peer is gone', async t => {
  const { endpoint, streams, raw } = await acceptor(t, '/fastn-net/1', 'Tcp')
  const theirs = await raw.open()
  await theirs.finish('"Tcp"\nlast words\n')
  await theirs.take(4)
  raw.close(0, '')
  t.is(await (await next(streams)).nextString(), 'last words')
  await endpoint.close()
})

/** Writes until it fails: the peer decides when its stop arrives. */
async function writeOn(stream: PeerStream): Promise<never> {
  for (;;) {
    await stream.write('x')
    await new Promise(setImmediate)
  }
}
