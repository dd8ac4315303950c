// Disposal and `finish` with pending calls, and invalid arguments.
import { getEventListeners } from 'node:events'
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { type Pair, pair, readAll, turn } from '../helpers/pair.js'

/** More than flow control accepts while the peer does not read. */
const much = 32 * 1024 * 1024

async function streams(peers: Pair): Promise<[PeerStream, PeerStream]> {
  const both = await peers.stream()
  await turn()
  return both
}

test('disposal resets a stream whose finish is pending', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const finishing = mine.finish(new Uint8Array(much))
  await turn()
  await mine[Symbol.asyncDispose]()
  await t.throwsAsync(finishing, { code: 'ERR_STREAM_RESET' })
  await t.throwsAsync(mine.closed, { code: 'ERR_STREAM_RESET' })
  const error = await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
  t.like(error, { errorCode: 0 })
  t.regex(error.message, /the peer ended the stream without finish\(\)/)
})

test('disposal resets a stream whose finish waits for a write', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const writing = mine.write(new Uint8Array(much))
  const finishing = mine.finish('end')
  await turn()
  await mine[Symbol.asyncDispose]()
  await t.throwsAsync(writing, { code: 'ERR_STREAM_RESET' })
  await t.throwsAsync(finishing, { code: 'ERR_STREAM_RESET' })
  await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
})

test('a second finish obeys its own signal, and the first continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const first = mine.finish(new Uint8Array(much))
  const controller = new AbortController()
  const { signal } = controller
  const second = mine.finish(undefined, { signal })
  const third = mine.finish()
  controller.abort()
  await t.throwsAsync(second, { any: true, name: 'AbortError' })
  await t.throwsAsync(mine.finish(undefined, { signal }), { any: true, name: 'AbortError' })
  t.is((await readAll(theirs)).length, much)
  await Promise.all([first, third])
  const live = new AbortController()
  await mine.finish(undefined, { signal: live.signal })
  t.is(getEventListeners(live.signal, 'abort').length, 0)
})

test('an invalid chunk and throwing options reject instead of throwing', async t => {
  await using peers = await pair()
  const [mine, theirs] = await streams(peers)
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  for (const wrong of [null, 5, {}, [1], { length: 0 }] as never[]) {
    const calls = [mine.finish(wrong), mine.write(wrong)]
    for (const call of calls) await t.throwsAsync(call, invalid)
  }
  const hostile = {
    get signal(): AbortSignal {
      throw new RangeError('of the caller')
    }
  }
  const calls = [
    mine.read(hostile),
    mine.write('x', hostile),
    mine.finish('x', hostile),
    mine.nextString(hostile),
    mine.nextJson(hostile)
  ]
  for (const call of calls) await t.throwsAsync(call, { instanceOf: RangeError })
  class Odd extends Uint8Array {
    override get length(): number {
      throw new RangeError('of the caller')
    }
  }
  for (const call of [mine.write(new Odd(3)), mine.finish(new Odd(3))]) await t.throwsAsync(call, { any: true })
  await mine.finish('still open')
  t.is((await readAll(theirs)).toString(), 'still open')
})
