// Effects of leaving a scope or an iterator on the stream.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { Echo, pair, readAll, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

/** Writes until the peer stops reading. */
function flood(stream: PeerStream): Promise<never> {
  const writing = async () => {
    for (;;) await stream.write(new Uint8Array(100_000))
  }
  return prompt(writing(), 'being stopped')
}

test('disposing a stream resets sending and stops reading', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const waiting = t.throwsAsync(prompt(theirs.read(), 'a read'), { code: 'ERR_STREAM_STOPPED' })
  await theirs[Symbol.asyncDispose]()
  await waiting
  await t.throwsAsync(flood(mine), { code: 'ERR_STREAM_STOPPED', message: /code 0\b/ })
  await t.throwsAsync(mine.read(), { code: 'ERR_STREAM_RESET', message: /code 0\b/ })
})

test('disposing a finished stream keeps its data and stops reading', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await theirs.finish('all')
  await theirs[Symbol.asyncDispose]()
  t.is((await readAll(mine)).toString(), 'all')
  await t.throwsAsync(flood(mine), { code: 'ERR_STREAM_STOPPED' })
})

test('a handler that returns ends both directions of its stream', async t => {
  await using peers = await pair()
  peers.server.listen([[Echo, stream => stream.write('done')]])
  const stream = await peers.client.getStream(peers.server.address(), Echo)
  t.is((await readAll(stream)).toString(), 'done')
  await t.throwsAsync(flood(stream), { code: 'ERR_STREAM_STOPPED', message: /code 0\b/ })
})

test('a returned iterator over lines yields nothing more, and the data stays in the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('kept')
  const iterator = theirs.lines()
  t.deepEqual(await iterator.return?.(), { done: true, value: undefined })
  t.deepEqual(await iterator.next(), { done: true, value: undefined })
  t.is((await readAll(theirs)).toString(), 'kept')
})

test('close does the same as disposal', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const waiting = t.throwsAsync(theirs.read(), { code: 'ERR_STREAM_STOPPED' })
  await theirs.close()
  await theirs.close()
  await waiting
  await t.throwsAsync(mine.read(), { code: 'ERR_STREAM_RESET', message: /code 0\b/ })
  const [again, other] = await peers.stream()
  await other.finish('all')
  await other.close()
  t.is((await readAll(again)).toString(), 'all')
})

test('a failed iterator is done, and the stream continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('too long\nshort\n')
  const lines = theirs.lines({ maxBytes: 5 })
  await t.throwsAsync(lines.next(), { code: 'ERR_LINE_TOO_LONG' })
  t.deepEqual(await lines.next(), { done: true, value: undefined })
  t.is(await theirs.nextString(), 'too long')
  t.is(await theirs.nextString(), 'short')
})

test('an iterator at EOF stays done', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('x')
  const chunks = theirs[Symbol.asyncIterator]()
  t.false((await chunks.next()).done)
  t.true((await chunks.next()).done)
  theirs.stop()
  await turn()
  t.true((await chunks.next()).done)
})
