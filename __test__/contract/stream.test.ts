import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'

const code = (code: string) => ({ code }) as { code: string }

test('bytes arrive complete and in order, in each direction', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const [there, back] = [pattern(3_000_000), pattern(1_000_001)]
  const [received, answered] = await Promise.all([
    readAll(theirs),
    readAll(mine),
    mine.finish(there),
    theirs.finish(back)
  ])
  t.true(received.equals(there))
  t.true(answered.equals(back))
})

test('a stream has a peer, a protocol and a connection', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  t.is(mine.remoteId52, peers.server.id52)
  t.is(theirs.remoteId52, peers.client.id52)
  t.is(theirs.protocol, 'Echo')
  t.is(mine.id, theirs.id)
  t.is(theirs.connection.remoteId52, peers.client.id52)
})

test('a read into a buffer fills it from the start and resolves with the count', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('abcdef')
  const into = new Uint8Array(4)
  let all = ''
  for (let count = await theirs.read({ into }); count !== null; count = await theirs.read({ into })) {
    all += Buffer.from(into.subarray(0, count)).toString()
  }
  t.is(all, 'abcdef')
  t.is(await theirs.read({ into }), null)
})

test('rejects an invalid into', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const detached = new Uint8Array(8)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  for (const into of [new Uint8Array(0), detached, new Uint8Array(new SharedArrayBuffer(8)), 'text', []]) {
    await t.throwsAsync(mine.read({ into: into as Uint8Array }), code('ERR_INVALID_ARGUMENT'))
  }
})

test('a large chunk has a buffer of its own', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  mine.finish(pattern(1_000_000)).catch(() => {})
  // Once it has answered, much of the data has arrived.
  await peers.client.ping(peers.server.address())
  let large = 0
  for await (const chunk of theirs) {
    if (chunk.length <= 16_384) continue
    t.is(chunk.buffer.byteLength, chunk.length)
    large++
    // Transferring it must not detach other chunks.
    structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] })
  }
  t.true(large > 0)
})

test('writes arrive in call order, never interleave, and FIN follows', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const parts = Array.from({ length: 40 }, (_, at) => Buffer.alloc(20_000, at))
  const sent = [...parts.map(part => mine.write(part)), mine.write('text'), mine.finish('last')]
  const received = await readAll(theirs)
  await Promise.all(sent)
  t.true(received.equals(Buffer.concat([...parts, Buffer.from('textlast')])))
})

test('a string of any length is sent as UTF-8', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const long = '€'.repeat(100_000)
  await Promise.all([mine.write('ß'), mine.finish(long), readAll(theirs).then(all => t.is(all.toString(), `ß${long}`))])
})

test('a write waits while the peer does not read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  let done = false
  const whole = pattern(32_000_000)
  const writing = mine.finish(whole).then(() => {
    done = true
  })
  await turn()
  t.false(done)
  t.true((await readAll(theirs)).equals(whole))
  await writing
})

test('finish ends one direction, and the other continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('question')
  t.is((await readAll(theirs)).toString(), 'question')
  await theirs.write('a')
  await theirs.finish('nswer')
  t.is((await readAll(mine)).toString(), 'answer')
  await Promise.all([mine.closed, theirs.closed])
})

test('the acceptor may finish first', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await theirs.finish()
  t.is(await mine.read(), null)
  await mine.finish('still here')
  t.is((await readAll(theirs)).toString(), 'still here')
})

test('finish is idempotent, and later writes fail', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  await mine.finish('end')
  await mine.finish()
  await t.throwsAsync(mine.write('more'), code('ERR_STREAM_FINISHED'))
  await t.throwsAsync(mine.finish('more'), code('ERR_STREAM_FINISHED'))
})

test('EOF stays EOF', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await theirs.finish()
  await mine.finish()
  // No read is pending while the peer's FIN arrives.
  await turn()
  t.is(await mine.read(), null)
  t.is(await mine.read(), null)
})

test('a reset arrives with its code, not as EOF', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = readAll(theirs)
  mine.reset(42)
  const error = await t.throwsAsync(reading, code('ERR_STREAM_RESET'))
  t.is((error as { errorCode?: number }).errorCode, 42)
  await t.throwsAsync(mine.write('more'), code('ERR_STREAM_RESET'))
  await t.throwsAsync(mine.closed, code('ERR_STREAM_RESET'))
  await theirs.finish('the other direction')
  t.is((await readAll(mine)).toString(), 'the other direction')
})

test('a reset that arrives while no read is pending is not EOF', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await theirs.finish()
  mine.reset(7)
  await turn()
  await t.throwsAsync(theirs.read(), code('ERR_STREAM_RESET'))
})

test('a stop arrives with its code', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  theirs.stop(43)
  const flood = async () => {
    for (;;) await mine.write(new Uint8Array(100_000))
  }
  const error = await t.throwsAsync(flood(), code('ERR_STREAM_STOPPED'))
  t.is((error as { errorCode?: number }).errorCode, 43)
  await t.throwsAsync(theirs.read(), code('ERR_STREAM_STOPPED'))
})

test('rejects reserved and invalid codes', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  for (const bad of [0x100, 0x1ff, -1, 1.5, Number.NaN, '1']) {
    t.throws(() => mine.reset(bad as number), code('ERR_INVALID_ARGUMENT'))
    t.throws(() => mine.stop(bad as number), code('ERR_INVALID_ARGUMENT'))
  }
})

test('an unfinished stream that is disposed is reset', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.write('half')
  await mine[Symbol.asyncDispose]()
  await t.throwsAsync(readAll(theirs), code('ERR_STREAM_RESET'))
})

test('a finished stream that is disposed arrives complete', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('whole')
  await mine[Symbol.asyncDispose]()
  t.is((await readAll(theirs)).toString(), 'whole')
})

test('a second concurrent read is rejected and takes no bytes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const first = theirs.read()
  await t.throwsAsync(theirs.read(), code('ERR_READ_PENDING'))
  await t.throwsAsync(theirs.nextString(), code('ERR_READ_PENDING'))
  await mine.write('x')
  t.is(Buffer.from((await first) ?? []).toString(), 'x')
})

test('rejects an invalid chunk or signal', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  class Longer extends Uint8Array {
    override get length() {
      return 9
    }
  }
  for (const bad of [null, 5, {}, new ArrayBuffer(4), new Uint8Array(new SharedArrayBuffer(4)), new Longer(0)]) {
    await t.throwsAsync(mine.write(bad as Uint8Array), code('ERR_INVALID_ARGUMENT'))
  }
  await t.throwsAsync(mine.read({ signal: {} as AbortSignal }), code('ERR_INVALID_ARGUMENT'))
})

test('a chunk whose buffer is transferred while it is written fails, and the peer sees no clean end', async t => {
  await using peers = await pair()
  const take = (chunk: Uint8Array<ArrayBuffer>) => structuredClone(chunk.buffer, { transfer: [chunk.buffer] })
  for (const end of ['write', 'finish'] as const) {
    const [mine, theirs] = await peers.stream()
    const chunk = pattern(32_000_000) as Uint8Array<ArrayBuffer>
    const sending = t.throwsAsync(mine[end](chunk), code('ERR_INVALID_ARGUMENT'))
    await turn()
    take(chunk)
    await t.throwsAsync(readAll(theirs), { ...code('ERR_STREAM_RESET'), message: /\(0x101\)/ })
    await sending
  }
  const [mine, theirs] = await peers.stream()
  const first = mine.write(pattern(4_000_000))
  const waiting = pattern(10) as Uint8Array<ArrayBuffer>
  const dropped = t.throwsAsync(mine.write(waiting), code('ERR_INVALID_ARGUMENT'))
  take(waiting)
  await t.throwsAsync(mine.write(waiting), code('ERR_INVALID_ARGUMENT'))
  const last = mine.finish('last')
  t.is((await readAll(theirs)).length, 4_000_004)
  await Promise.all([first, dropped, last])
})

test('closed resolves once all is acknowledged, and its rejection may be ignored', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const { closed } = mine
  const reading = readAll(theirs)
  await mine.finish('x')
  t.is((await reading).toString(), 'x')
  t.is(await closed, undefined)
  const [lost] = await peers.stream()
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  void lost.closed
  lost.reset()
  await turn()
  process.off('unhandledRejection', note)
  t.deepEqual(unhandled, [])
  await t.throwsAsync(lost.closed, code('ERR_STREAM_RESET'))
})

for (const [how, leave] of [
  ['break', () => false],
  [
    'an error',
    () => {
      throw new RangeError('of the loop')
    }
  ]
] as const)
  test(`leaving a loop over a stream by ${how} stops reading, and writing continues`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    await mine.write('one')
    const loop = async () => {
      for await (const chunk of theirs) {
        t.is(Buffer.from(chunk).toString(), 'one')
        if (!leave()) break
      }
    }
    await (how === 'break' ? loop() : t.throwsAsync(loop(), { instanceOf: RangeError }))
    await t.throwsAsync(theirs.read(), { code: 'ERR_STREAM_STOPPED' })
    await t.throwsAsync(mine.closed, { code: 'ERR_STREAM_STOPPED' })
    await theirs.finish('two')
    t.is((await readAll(mine)).toString(), 'two')
  })

test('leaving a loop over lines leaves the stream open', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.write('one\n')
  for await (const line of theirs.lines()) {
    t.is(line, 'one')
    break
  }
  await mine.finish('two')
  t.is((await readAll(theirs)).toString(), 'two')
})

test('the acceptor reads the extra line first', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi('HttpProxy')
  const [mine, { value }] = await Promise.all([
    peers.client.getStream(peers.server.address(), 'HttpProxy', { extra: '{"Connect":{}}' }),
    incoming.next()
  ])
  const theirs = value as PeerStream
  await mine.finish('payload')
  t.deepEqual(await theirs.nextJson(), { Connect: {} })
  t.is((await readAll(theirs)).toString(), 'payload')
  await t.throwsAsync(
    peers.client.getStream(peers.server.id52, 'HttpProxy', { extra: 'a\nb' }),
    code('ERR_INVALID_ARGUMENT')
  )
})

test('a stream that is stopped before any write, and reset, reports both', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi('Tcp')
  const mine = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  await mine.write('at once\n')
  mine.stop(9)
  const { value } = await incoming.next()
  const theirs = value as PeerStream
  await turn()
  t.is(await theirs.nextString(), 'at once')
  mine.reset(8)
  await t.throwsAsync(theirs.read(), { ...code('ERR_STREAM_RESET'), message: /code 8/ })
  await t.throwsAsync(theirs.write('late'), { ...code('ERR_STREAM_STOPPED'), message: /code 9/ })
})
