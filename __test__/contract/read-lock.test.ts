// A stream has one reader at a time. These tests check when the next reader gets its turn.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { type Pair, pair, turn } from '../helpers/pair.js'

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())

/** Blocks the event loop, so that all wakes of that time arrive together. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

async function streams(peers: Pair): Promise<[PeerStream, PeerStream]> {
  const both = await peers.stream()
  // The header and ack are done: from here on, every wake is for bytes.
  await turn()
  return both
}

test('a woken read owns the stream until it has its bytes', async t => {
  await using peers = await pair()
  const { signal } = new AbortController()
  for (let microtasks = 0; microtasks < 8; microtasks++) {
    const [mine, theirs] = await streams(peers)
    const [alarm, other] = await streams(peers)
    const calls: Promise<string | null>[] = []
    const read = () => calls.push(theirs.read({ signal }).then(text, error => error.code))
    read()
    // Another stream's reader, woken together with the first, tries to read before the first has its bytes.
    const intruding = other.read().then(async () => {
      for (let count = 0; count < microtasks; count++) await undefined
      read()
      read()
    })
    await Promise.all([alarm.write('x'), mine.write('a')])
    block(30)
    await intruding
    await turn()
    await mine.finish('z')
    const late = new Promise<undefined>(resolve => setTimeout(resolve, 10_000, undefined))
    const outcomes = await Promise.race([Promise.all(calls), late])
    if (outcomes === undefined) {
      t.fail(`a read never settled: ${microtasks} microtasks after the wake`)
      continue
    }
    t.is(outcomes[0]?.[0], 'a', `${microtasks} microtasks after the wake`)
    const bytes = outcomes.filter(each => each !== 'ERR_READ_PENDING').join('')
    t.is(bytes + ((await theirs.read().then(text)) ?? ''), 'az')
  }
})

test('an aborted read releases the stream immediately', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const controller = new AbortController()
  const aborted = theirs.read({ signal: controller.signal })
  controller.abort()
  const next = theirs.read()
  await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
  await mine.finish('all')
  t.is(text(await next), 'all')
  t.is(await theirs.read(), null)
})

test('an abort listener added before the read may read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const controller = new AbortController()
  let next: Promise<Uint8Array | null> | undefined
  controller.signal.addEventListener('abort', () => {
    next = theirs.read()
  })
  const aborted = theirs.read({ signal: controller.signal })
  controller.abort()
  await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
  await mine.finish('all')
  t.is(text((await next) as Uint8Array | null), 'all')
})

test('nextString and read into a buffer release the stream like a read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  for (const call of ['line', 'into'] as const) {
    const controller = new AbortController()
    const { signal } = controller
    const aborted = call === 'line' ? theirs.nextString({ signal }) : theirs.read({ signal, into: new Uint8Array(9) })
    controller.abort()
    const next = theirs.nextString()
    await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
    await mine.write('a line\n')
    t.is(await next, 'a line')
  }
})

test('after stop, the next read fails at once, even if one was pending', async t => {
  await using peers = await pair()
  const [, theirs] = await streams(peers)
  const waiting = theirs.read()
  theirs.stop(7)
  const next = theirs.read()
  await t.throwsAsync(waiting, { code: 'ERR_STREAM_STOPPED' })
  await t.throwsAsync(next, { code: 'ERR_STREAM_STOPPED' })
})

test('stop drops the partial line, and no EOF follows', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  await mine.finish('no line')
  await t.throwsAsync(theirs.nextString(), { code: 'ERR_UNEXPECTED_END' })
  theirs.stop(7)
  await t.throwsAsync(theirs.read(), { code: 'ERR_STREAM_STOPPED' })
  await t.throwsAsync(theirs.nextString(), { code: 'ERR_STREAM_STOPPED' })
  await t.notThrowsAsync(mine.closed)
})

test('return() ends a pending lines() and loses nothing', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  await mine.write('half')
  const lines = theirs.lines()
  const waiting = lines.next()
  await turn()
  t.deepEqual(await lines.return?.(), { done: true, value: undefined })
  // The received half is available, and the next reader does not wait for the iterator.
  t.is(text(await theirs.read()), 'half')
  t.deepEqual(await waiting, { done: true, value: undefined })
  const others = theirs.lines()
  const line = others.next()
  const left = others.return?.()
  const next = theirs.read()
  t.deepEqual(await left, { done: true, value: undefined })
  t.deepEqual(await line, { done: true, value: undefined })
  await mine.finish('whole')
  t.is(text(await next), 'whole')
})

test('return() of a loop over the stream ends a pending step and stops the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const chunks = theirs[Symbol.asyncIterator]()
  const waiting = chunks.next()
  await turn()
  t.deepEqual(await chunks.return?.(), { done: true, value: undefined })
  t.deepEqual(await waiting, { done: true, value: undefined })
  t.deepEqual(await chunks.next(), { done: true, value: undefined })
  await t.throwsAsync(theirs.read(), { code: 'ERR_STREAM_STOPPED' })
  await t.throwsAsync(mine.closed, { code: 'ERR_STREAM_STOPPED', message: /code 0\b/ })
})

test('return() on an iterator does not end another pending read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const reading = theirs.read()
  const lines = theirs.lines()
  const refused = lines.next()
  await lines.return?.()
  await refused.catch(() => {})
  await mine.finish('mine')
  t.is(text(await reading), 'mine')
})

test('a pull of readable waits for a pending read', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const waiting = theirs.read()
  const reader = theirs.readable.getReader()
  const pulled = reader.read()
  await turn()
  await mine.write('one')
  t.is(text(await waiting), 'one')
  await mine.finish('two')
  t.is(text((await pulled).value ?? null), 'two')
  t.true((await reader.read()).done)
})

test('a pull of readable takes its turn when the pending read is aborted', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const controller = new AbortController()
  const reading = theirs.read({ signal: controller.signal })
  const pulled = theirs.readable.getReader().read()
  await turn()
  controller.abort()
  await t.throwsAsync(reading, { name: 'AbortError', any: true })
  await mine.write('bytes')
  t.is(text((await pulled).value ?? null), 'bytes')
})

test('a readable that waits for a pending read is cancelled with it', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const waiting = theirs.read()
  const reader = theirs.readable.getReader()
  const pulled = reader.read()
  await reader.cancel(7)
  t.true((await pulled).done)
  await t.throwsAsync(waiting, { code: 'ERR_STREAM_STOPPED' })
  await t.throwsAsync(mine.write(new Uint8Array(32_000_000)), { code: 'ERR_STREAM_STOPPED' })
})
