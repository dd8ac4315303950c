import test from 'ava'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'

test('readable and writable carry all bytes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const whole = pattern(1_000_000)
  const writing = new Blob([whole]).stream().pipeTo(mine.writable)
  const received = await new Response(theirs.readable).arrayBuffer()
  await writing
  t.true(Buffer.from(received).equals(whole))
})

test('readable supports BYOB readers', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('abcdef')
  const reader = theirs.readable.getReader({ mode: 'byob' })
  let all = ''
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(4))
    if (done) break
    t.is(value.buffer.byteLength, 4)
    all += Buffer.from(value).toString()
  }
  t.is(all, 'abcdef')
})

test('transferring a chunk does not detach others', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = readAll(
    theirs.readable.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) =>
          controller.enqueue(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }))
      })
    ) as unknown as AsyncIterable<Uint8Array>
  )
  for (let at = 0; at < 50; at++) await mine.write(`${at},`)
  await mine.finish()
  t.is((await reading).toString(), Array.from({ length: 50 }, (_, at) => `${at},`).join(''))
})

test('readable reads nothing before it is pulled', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  t.truthy(theirs.readable)
  await mine.finish('x')
  t.is(Buffer.from((await theirs.read()) ?? []).toString(), 'x')
})

test('cancel calls stop, with a number as the code', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reader = theirs.readable.getReader()
  const waiting = reader.read()
  await reader.cancel(44)
  t.true((await waiting).done)
  const flood = async () => {
    for (;;) await mine.write(new Uint8Array(100_000))
  }
  const error = await t.throwsAsync(flood(), { code: 'ERR_STREAM_STOPPED' })
  t.is((error as { errorCode?: number }).errorCode, 44)
})

test('abort calls reset, even while a write is pending', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const writer = mine.writable.getWriter()
  const writing = writer.write(new Uint8Array(32_000_000))
  writing.catch(() => {})
  await turn()
  await Promise.all([
    writer.abort(45),
    t.throwsAsync(writing, { code: 'ERR_STREAM_RESET' }),
    writer.closed.then(
      () => t.fail('it closed well'),
      reason => t.is(reason, 45)
    )
  ])
  const error = await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
  t.is((error as { errorCode?: number }).errorCode, 45)
})

test('a reset by the peer errors readable', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = theirs.readable.getReader().read()
  mine.reset(3)
  await t.throwsAsync(reading, { code: 'ERR_STREAM_RESET' })
})

test('an invalid chunk errors writable and resets the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const writer = mine.writable.getWriter()
  await writer.write('begun')
  await t.throwsAsync(writer.write(5 as never), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(writer.closed, { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
})
