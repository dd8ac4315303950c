// We dial, and a raw peer accepts: streams after their ack.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import {
  alpns,
  behindRefusal,
  dialler,
  echo,
  echoLine,
  endpointFor,
  failure,
  opened,
  pause,
  pinged,
  rawPeerFor
} from '../helpers/wire.js'

for (const alpn of alpns) {
  test(`${alpn}: each side may finish first and continue reading`, async t => {
    const dialler_ = await dialler(t, alpn)
    {
      const [ours, theirs] = await opened(dialler_)
      await ours.finish('question')
      t.is(await theirs.rest(), 'question')
      await theirs.finish('answer\n')
      t.is(await ours.nextString(), 'answer')
      t.is(await ours.read(), null)
    }
    {
      const [ours, theirs] = await opened(dialler_)
      await theirs.finish('greeting\n')
      t.is(await ours.nextString(), 'greeting')
      t.is(await ours.read(), null)
      await ours.write('late ')
      await ours.finish('question')
      t.is(await theirs.rest(), 'late question')
      await ours.closed
    }
  })

  test(`${alpn}: codes of resets and stops pass unchanged, both ways`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (const code of [0, 7, 0x200, 2 ** 53 - 1]) {
      const [ours, theirs] = await opened(dialler_)
      ours.reset(code)
      ours.stop(code)
      t.is(await theirs.wasReset(), code)
      t.is(await theirs.stopped(), code)
      const [read, written] = await opened(dialler_)
      await written.reset(code)
      t.like(await failure(read.read()), { code: 'ERR_STREAM_RESET', errorCode: code })
      await written.stop(code)
      t.like(await failure(read.write(new Uint8Array(32 * 1024 * 1024))), {
        code: 'ERR_STREAM_STOPPED',
        errorCode: code
      })
    }
  })

  test(`${alpn}: after a reset, reads return data or fail, but never EOF`, async t => {
    const [ours, theirs] = await opened(await dialler(t, alpn))
    await theirs.write('half a message')
    t.is(Buffer.from((await ours.read()) ?? '').toString(), 'half a message')
    await theirs.reset(3)
    t.like(await failure(ours.read()), { code: 'ERR_STREAM_RESET', errorCode: 3 })
    t.like(await failure(ours.read()), { code: 'ERR_STREAM_RESET', errorCode: 3 })
  })

  // A peer allows a hundred open streams at once: each exchange that is not released takes one of these slots.
  test(`${alpn}: 1,000 exchanges, each stopped by the peer before our FIN`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (let count = 0; count < 1000; count++) {
      const [ours, theirs] = await opened(dialler_)
      await ours.write(`line ${count}\n`)
      t.is(await theirs.take(`line ${count}\n`.length), `line ${count}\n`)
      await theirs.write(`line ${count}\n`)
      await theirs.drop()
      t.is(await ours.nextString(), `line ${count}`)
      await ours.finish()
    }
  })

  test(`${alpn}: 1,000 unfinished exchanges with partly read answers`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (let count = 0; count < 1000; count++) {
      const [ours, theirs] = await opened(dialler_)
      await theirs.write(`line ${count}\nand more`)
      t.is(await ours.nextString(), `line ${count}`)
      await ours[Symbol.asyncDispose]()
      await theirs.drop()
    }
  })

  // More than a hundred, all held.
  test(`${alpn}: releases 300 unfinished exchanges that the peer has dropped`, async t => {
    const dialler_ = await dialler(t, alpn)
    const held: PeerStream[] = []
    for (let count = 0; count < 300; count++) {
      const [ours, theirs] = await opened(dialler_)
      held.push(ours)
      await ours.write(`line ${count}\n`)
      await theirs.write(`line ${count}\n`)
      // Read to the end, or up to the line, or not at all.
      if (count % 3 === 0) t.is(await ours.nextString(), `line ${count}`)
      await theirs.drop()
      if (count % 3 === 1) t.is(Buffer.from((await ours.read()) ?? '').toString(), `line ${count}\n`)
      if (count % 3 === 1) t.is(await ours.read(), null)
    }
    // Nothing is lost, and a writer gets the error.
    for (const [count, ours] of held.entries()) {
      if (count % 3 === 2) t.is(await ours.nextString(), `line ${count}`)
      t.is(await ours.read(), null)
      t.like(await failure(ours.write('more')), { code: 'ERR_STREAM_STOPPED', errorCode: 0 })
    }
  })

  test(`${alpn}: a stop without a pending write fails the next write or finish`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (const code of [0, 7]) {
      for (const end of ['write', 'finish'] as const) {
        const [ours, theirs] = await opened(dialler_)
        await theirs.stop(code)
        await theirs.finish('answer')
        await pinged(dialler_)
        t.like(await failure(ours[end]('more')), { code: 'ERR_STREAM_STOPPED', errorCode: code })
        t.is(Buffer.from((await ours.read()) ?? '').toString(), 'answer')
        t.is(await ours.read(), null)
      }
    }
    // The peer wants no more bytes, and there are none.
    const [ours, theirs] = await opened(dialler_)
    await theirs.drop()
    await pinged(dialler_)
    await ours.finish()
    await ours.closed
    t.is(await ours.read(), null)
  })

  test(`${alpn}: 1,000 refusals`, async t => {
    let dialler_ = await dialler(t, alpn)
    for (let count = 0; count < 1000; count++) {
      const { endpoint, peer, raw } = dialler_
      const opens = failure(endpoint.getStream(peer.address, echo))
      const theirs = await raw.accept()
      await theirs.take(echoLine.length)
      await theirs.finish('{"error":"busy","message":""}\n')
      await theirs.drop()
      t.like(await opens, { code: 'ERR_BUSY' })
      dialler_ = await behindRefusal(dialler_)
    }
  })

  test(`${alpn}: a silent stream blocks no other`, async t => {
    const dialler_ = await dialler(t, alpn)
    const waiting = dialler_.endpoint.getStream(dialler_.peer.address, echo)
    waiting.catch(() => {})
    const silent = await dialler_.raw.accept()
    const [ours, theirs] = await opened(dialler_)
    await theirs.finish('hello\n')
    t.is(await ours.nextString(), 'hello')
    await silent.write('ack\n')
    await waiting
  })

  test(`${alpn}: the 101st stream waits for a slot and gets it`, async t => {
    const dialler_ = await dialler(t, alpn)
    const streams = []
    for (let count = 0; count < 100; count++) streams.push(await opened(dialler_))
    const late = opened(dialler_)
    // The slots of ended streams are announced some at a time.
    for (const [ours, theirs] of streams.slice(0, 20)) {
      await ours.finish('done')
      t.is(await theirs.rest(), 'done')
      await theirs.finish()
      t.is(await ours.read(), null)
    }
    const [last, lastRaw] = await late
    await lastRaw.finish('hello\n')
    t.is(await last.nextString(), 'hello')
  })

  test(`${alpn}: a reset without a pending read is not EOF`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (const sent of ['', 'half a message']) {
      const [ours, theirs] = await opened(dialler_)
      await ours.finish('question')
      t.is(await theirs.rest(), 'question')
      await theirs.write(sent)
      await pause(20)
      await theirs.reset(3)
      await pause(20)
      t.like(await failure(readAll(ours)), { code: 'ERR_STREAM_RESET', errorCode: 3 })
    }
  })
}

test('a lost peer fails the pending calls of its streams', async t => {
  const endpoint = await endpointFor(t)
  const peer = await rawPeerFor(t, '/fastn-net/1')
  const accepting = peer.accept()
  const opens = endpoint.getStream(peer.address, echo)
  const raw = await accepting
  const theirs = await raw.accept()
  await theirs.write('ack\n')
  const ours = await opens
  const reading = failure(ours.read())
  const writing = failure(ours.write(new Uint8Array(64 * 1024 * 1024)))
  raw.close(5, 'gone')
  t.like(await reading, { code: 'ERR_CONNECTION_LOST', errorCode: 5 })
  t.like(await writing, { code: 'ERR_CONNECTION_LOST', errorCode: 5 })
  t.like(await failure(ours.closed), { code: 'ERR_CONNECTION_LOST' })
})

async function readAll(stream: PeerStream): Promise<void> {
  for await (const _ of stream);
}
