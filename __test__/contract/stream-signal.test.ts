// `stream.signal` aborts work whose result the peer no longer wants.
import { getEventListeners, once } from 'node:events'
import test from 'ava'
import type { FastnNetError, PeerStream } from 'fastn-net'
import { Echo, type Pair, pair, readAll, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

/** Code of the reason, once the signal has aborted. */
async function reason(signal: AbortSignal): Promise<string | { code: string; errorCode: unknown }> {
  if (!signal.aborted) await prompt(once(signal, 'abort'), 'the abort')
  const { code, errorCode } = signal.reason as FastnNetError
  return errorCode === undefined ? code : { code, errorCode }
}

/** Events that end the stream `theirs`, and the reason that its signal then has. */
const ends: Record<string, [(mine: PeerStream, theirs: PeerStream, peers: Pair) => unknown, unknown]> = {
  'the peer resets': [mine => mine.reset(7), { code: 'ERR_STREAM_RESET', errorCode: 7 }],
  'the peer stops': [mine => mine.stop(8), { code: 'ERR_STREAM_STOPPED', errorCode: 8 }],
  'the peer disposes its stream': [
    async mine => {
      await mine.finish('request')
      await mine.close()
    },
    { code: 'ERR_STREAM_STOPPED', errorCode: 0 }
  ],
  'the connection is closed': [mine => mine.connection.close(5, 'bye'), { code: 'ERR_CONNECTION_LOST', errorCode: 5 }],
  'the peer closes its endpoint': [
    (_, __, { client }) => client.close(),
    { code: 'ERR_CONNECTION_LOST', errorCode: 0x103 }
  ],
  'this side resets': [(_, theirs) => theirs.reset(9), { code: 'ERR_STREAM_RESET', errorCode: 9 }],
  'this side disposes its stream': [(_, theirs) => theirs.close(), { code: 'ERR_STREAM_RESET', errorCode: 0 }]
}

for (const [name, [end, expected]] of Object.entries(ends)) {
  test(`aborts when ${name}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const { signal } = theirs
    t.false(signal.aborted)
    t.is(theirs.signal, signal)
    await turn()
    await end(mine, theirs, peers)
    t.deepEqual(await reason(signal), expected)
    t.is((signal.reason as FastnNetError).peer, peers.client.id52)
  })

  test(`aborts while a read and a write wait, when ${name}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const { signal } = theirs
    const calls = [theirs.read().then(() => theirs.read()), theirs.write(new Uint8Array(32_000_000))]
    for (const call of calls) call.catch(() => {})
    await turn()
    await end(mine, theirs, peers)
    t.like(await reason(signal), expected as object)
  })

  test(`is aborted if it is first used after ${name}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const lost = theirs.connection.closed
    await end(mine, theirs, peers)
    if (name.includes('connection') || name.includes('endpoint')) await lost
    t.deepEqual(await reason(theirs.signal), expected)
  })
}

test('aborts when this endpoint closes', async t => {
  await using peers = await pair()
  const [, theirs] = await peers.stream()
  const { signal } = theirs
  await peers.server.close()
  t.like(await reason(signal), { code: 'ERR_CLOSED' })
})

test('aborts when the peer refuses a stream opened with ack later', async t => {
  await using peers = await pair()
  peers.server.listen({ Http: () => {} })
  const stream = await peers.client.getStream(peers.server.address(), 'Tcp', { ack: 'later' })
  t.is(await reason(stream.signal), 'ERR_PROTOCOL_UNSUPPORTED')
})

test('notifies a handler when its caller disconnects, with the reason before a read rejects', async t => {
  await using peers = await pair()
  const reasons = new Promise<unknown[]>(resolve => {
    peers.server.listen(
      {
        Http: async ({ signal }) => resolve([await reason(signal)]),
        Tcp: async stream => {
          const { signal } = stream
          await t.throwsAsync(readAll(stream), { code: 'ERR_STREAM_RESET' })
          t.true(signal.aborted)
        }
      },
      { onError: error => t.fail(String(error)) }
    )
  })
  const [a, b] = [
    await peers.client.getStream(peers.server.address(), 'Http'),
    await peers.client.getStream(peers.server.address(), 'Tcp')
  ]
  await a.finish('request')
  await b.write('half')
  await turn()
  await Promise.all([a.close(), b.close()])
  t.deepEqual(await prompt(reasons, 'the handler'), [{ code: 'ERR_STREAM_STOPPED', errorCode: 0 }])
})

test('aborts when the handler throws', async t => {
  await using peers = await pair()
  const signals = new Promise<AbortSignal>(resolve => {
    const handler = (stream: PeerStream) => {
      resolve(stream.signal)
      throw new Error('of the handler')
    }
    peers.server.listen([[Echo, handler]], { onError: () => {} })
  })
  await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  t.like(await reason(await signals), { code: 'ERR_STREAM_RESET', errorCode: 0x102 })
})

test('does not abort when the stream ends cleanly', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const signals = [mine.signal, theirs.signal]
  await mine.finish('request')
  await turn()
  t.false(theirs.signal.aborted)
  t.is(await theirs.text(), 'request')
  await turn()
  t.false(theirs.signal.aborted)
  await theirs.finish('answer')
  t.is(await mine.text(), 'answer')
  await Promise.all([mine.close(), theirs.close()])
  await mine.closed
  mine.connection.close()
  await turn()
  for (const signal of signals) t.false(signal.aborted)
  // First used after the end.
  const [again, other] = await peers.stream()
  await Promise.all([again.finish('x'), other.finish('y')])
  await Promise.all([again.text(), other.text()])
  t.false(again.signal.aborted || other.signal.aborted)
})

test('does not abort a handler that returns', async t => {
  await using peers = await pair()
  const signals: AbortSignal[] = []
  peers.server.listen([[Echo, stream => void signals.push(stream.signal)]])
  const stream = await peers.client.getStream(peers.server.address(), Echo)
  t.is(await stream.text(), '')
  await stream.finish().catch(() => {})
  await turn()
  t.false(signals[0]!.aborted)
})

test('does not abort when the connection ends after a complete stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const { signal } = theirs
  await theirs.finish('answer')
  t.is(await mine.text(), 'answer')
  await mine.finish(new Uint8Array(300_000))
  await mine.closed
  const lost = theirs.connection.closed
  await peers.client.close()
  await lost
  await turn()
  t.false(signal.aborted)
  t.is((await theirs.bytes()).length, 300_000)
  await turn()
  t.false(signal.aborted)
})

test('reading works the same with a signal', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  t.false(theirs.signal.aborted)
  await mine.write('line\n')
  await turn()
  await mine.write('more')
  await turn()
  t.is(await theirs.nextString(), 'line')
  t.is(Buffer.from((await theirs.read()) ?? []).toString(), 'more')
  const reading = theirs.nextString()
  await t.throwsAsync(theirs.read(), { code: 'ERR_READ_PENDING' })
  const writing = mine.write(`${'x'.repeat(400_000)}\n`)
  t.is((await reading).length, 400_000)
  await writing
  await turn()
  const web = theirs.readable.getReader({ mode: 'byob' })
  await mine.write('to the web stream')
  t.is(Buffer.from((await web.read(new Uint8Array(100))).value ?? []).toString(), 'to the web stream')
  web.releaseLock()
  const bulk = mine.finish(new Uint8Array(2_000_000))
  t.is((await theirs.bytes()).length, 2_000_000)
  await bulk
  t.is(await theirs.read(), null)
})

test('a listener may use the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const outcomes = new Promise<unknown>(resolve => {
    theirs.signal.addEventListener('abort', () => {
      theirs.reset(1)
      theirs.stop(1)
      resolve(theirs.read().catch((error: FastnNetError) => error.code))
    })
  })
  mine.reset(3)
  t.is(await prompt(outcomes, 'the listener'), 'ERR_STREAM_RESET')
})

test('releases everything on a connection that continues', async t => {
  await using peers = await pair()
  const listening = peers.server.listen([[Echo, async stream => stream.finish(String(stream.signal.aborted))]])
  for (let at = 0; at < 200; at++) {
    const stream = await peers.client.getStream(peers.server.address(), Echo)
    const { signal } = stream
    await stream.finish()
    t.is(await stream.text(), 'false')
    t.is(getEventListeners(signal, 'abort').length, 0)
  }
  await peers.server.close()
  await listening.closed
})
