// A read that lets the event loop turn, although it could settle, is like any other that waits. A write has sent its bytes by then.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { type Pair, pair } from '../helpers/pair.js'

/** Microtasks within which a call settles that does not wait. */
const microtasks = 20

/** A call that waits. In a tuple, as an async function would await it. */
type Waiting<T> = readonly [call: Promise<T>]

/** Makes calls that could settle at once until one waits for the event loop. */
async function waitingCall<T>(call: () => Promise<T>): Promise<Waiting<T>> {
  for (;;) {
    const made = call()
    const state = { isSettled: false }
    const settled = () => {
      state.isSettled = true
    }
    made.then(settled, settled)
    for (let count = 0; count < microtasks && !state.isSettled; count++) await undefined
    if (!state.isSettled) return [made]
  }
}

/** The receiving end of a stream on which numbers are at hand, one a line. */
async function numbers(peers: Pair): Promise<PeerStream> {
  const [mine, theirs] = await peers.stream()
  await mine.finish(Array.from({ length: 40_000 }, (_, at) => `${at}\n`).join(''))
  return theirs
}

test('a second read is pending, and none is lost', async t => {
  await using peers = await pair()
  const theirs = await numbers(peers)
  let count = 0
  const [read] = await waitingCall(() => {
    count++
    return theirs.nextString()
  })
  await t.throwsAsync(theirs.nextString(), { code: 'ERR_READ_PENDING' })
  await t.throwsAsync(theirs.read(), { code: 'ERR_READ_PENDING' })
  t.is(await read, String(count - 1))
  t.is(await theirs.nextString(), String(count))
})

test('an aborted read loses nothing', async t => {
  await using peers = await pair()
  const theirs = await numbers(peers)
  const controller = new AbortController()
  let count = 0
  const [read] = await waitingCall(() => {
    count++
    return theirs.nextString({ signal: controller.signal })
  })
  controller.abort()
  const next = theirs.nextString()
  await t.throwsAsync(read, { any: true, name: 'AbortError' })
  t.is(await next, String(count - 1))
})

test('a loop over lines that is left loses nothing', async t => {
  await using peers = await pair()
  const theirs = await numbers(peers)
  const lines = theirs.lines()
  let count = 0
  const [step] = await waitingCall(() => {
    count++
    return lines.next()
  })
  await lines.return?.()
  t.deepEqual(await step, { done: true, value: undefined })
  t.is(await theirs.nextString(), String(count - 1))
})

test('stop and close end a read', async t => {
  await using peers = await pair()
  for (const end of [(s: PeerStream) => s.stop(3), (s: PeerStream) => void s.close()]) {
    const theirs = await numbers(peers)
    const [read] = await waitingCall(() => theirs.nextString())
    end(theirs)
    await t.throwsAsync(theirs.nextString(), { code: 'ERR_STREAM_STOPPED' })
    await t.throwsAsync(read, { code: 'ERR_STREAM_STOPPED' })
  }
})

test('reads beside stream.signal continue', async t => {
  await using peers = await pair()
  const theirs = await numbers(peers)
  t.false(theirs.signal.aborted)
  let count = 0
  for await (const line of theirs.lines()) if (line !== String(count++)) break
  t.is(count, 40_000)
})

test('writes keep their order', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  let count = 0
  const [write] = await waitingCall(() => mine.writeLine(String(count++)))
  const later = [mine.writeLine(String(count)), mine.finish(`${count + 1}\n`)]
  const all = (await theirs.text()).split('\n')
  await Promise.all([write, ...later])
  t.deepEqual(all, [...Array.from({ length: count + 2 }, (_, at) => String(at)), ''])
})

test('a write has sent its bytes, whatever happens while it waits', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const controller = new AbortController()
  let count = 0
  const [write] = await waitingCall(() => {
    count++
    return mine.write('x', { signal: controller.signal })
  })
  controller.abort()
  const finished = mine.finish('y')
  await write
  await finished
  t.is(await theirs.text(), `${'x'.repeat(count)}y`)
})

test('a reset ends the stream behind a write', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const [write] = await waitingCall(() => mine.write('x'))
  mine.reset(4)
  await write
  await t.throwsAsync(mine.write('y'), { code: 'ERR_STREAM_RESET' })
  await t.throwsAsync(theirs.text(), { code: 'ERR_STREAM_RESET' })
})

// Alone, because it replaces globals.
test.serial('a replaced clock stops no call', async t => {
  const { setImmediate, setTimeout } = globalThis
  const never = (() => ({ unref() {} })) as never
  Object.assign(globalThis, { setImmediate: never, setTimeout: never })
  try {
    await using peers = await pair()
    const theirs = await numbers(peers)
    let count = 0
    for await (const line of theirs.lines()) if (line !== String(count++)) break
    t.is(count, 40_000)
  } finally {
    Object.assign(globalThis, { setImmediate, setTimeout })
  }
})

test('close waits for a finish', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const text = theirs.text()
  const [write] = await waitingCall(() => mine.write('x'))
  const finished = mine.finish('end')
  await peers.client.close()
  await Promise.all([write, finished])
  t.regex(await text, /^x+end$/)
})
