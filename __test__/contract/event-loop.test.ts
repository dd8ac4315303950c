// Calls that find bytes or room at hand settle in microtasks. These tests check that they let the event loop turn all the same.
import test from 'ava'
import type { PeerStream } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { type Pair, pair } from '../helpers/pair.js'
import { requestPair } from '../helpers/requests.js'

/** How many small calls a loop may make until a timer of 1 ms fires. They take some hundred milliseconds. */
const most = 100_000

/** Whether the event loop has turned: a timer fires. */
class Turn {
  #isOver = false

  constructor() {
    setTimeout(() => {
      this.#isOver = true
    }, 1)
  }

  get isOver(): boolean {
    return this.#isOver
  }
}

/** Makes calls, one after another, until the event loop turns, but no more than `limit`. Returns whether it has turned. */
async function turnsDuring(call: () => Promise<unknown>, limit: number = most): Promise<boolean> {
  const turn = new Turn()
  for (let count = 0; count < limit && !turn.isOver; count++) await call()
  return turn.isOver
}

/** A stream, and its other end with `count` times the text to read: below 1 MiB, for which flow control has room. */
async function filled(peers: Pair, text: string, count: number = most * 2): Promise<[PeerStream, PeerStream]> {
  const both = await peers.stream()
  await both[0].write(text.repeat(count))
  return both
}

/** Blocks the thread, as the work of a program does. */
function work(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('timers fire while lines are at hand', async t => {
  await using peers = await pair()
  const [, theirs] = await filled(peers, 'x\n')
  const lines = theirs.lines()
  t.true(await turnsDuring(() => lines.next()))
  t.true(await turnsDuring(() => theirs.nextString()))
})

test('timers fire while JSON is at hand', async t => {
  await using peers = await pair()
  const [, theirs] = await filled(peers, '1\n')
  t.true(await turnsDuring(() => theirs.nextJson()))
})

test('timers fire while bytes are at hand', async t => {
  await using peers = await pair()
  const [, theirs] = await filled(peers, 'x')
  const into = new Uint8Array(1)
  t.true(await turnsDuring(() => theirs.read({ into })))
})

test('timers fire while lines are left behind the end of the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await filled(peers, 'x\n', 30_000)
  await mine.finish()
  await mine.closed
  t.true(await turnsDuring(() => theirs.nextString(), 29_000))
})

test('timers fire between the chunks of a program that works on each', async t => {
  await using peers = await pair()
  const loops: ((stream: PeerStream) => AsyncIterable<unknown>)[] = [s => s, s => s.readable, s => duplex(s)]
  for (const loop of loops) {
    const streams: PeerStream[] = []
    // A stream holds few chunks, so several follow each other.
    for (let count = 0; count < 4; count++) {
      const [mine, theirs] = await filled(peers, 'x', 800_000)
      await mine.finish()
      await mine.closed
      streams.push(theirs)
    }
    const turn = new Turn()
    for (const stream of streams) {
      for await (const _ of loop(stream)) {
        work(10)
        if (turn.isOver) break
      }
    }
    t.true(turn.isOver)
  }
})

test('timers fire while writes are accepted', async t => {
  await using peers = await pair()
  for (const write of [(s: PeerStream) => s.writeLine('x'), (s: PeerStream) => s.write(Uint8Array.of(1))]) {
    const [mine] = await peers.stream()
    t.true(await turnsDuring(() => write(mine), 20_000))
  }
})

test('timers fire while items are sent', async t => {
  const { client, server, peer } = await requestPair(t)
  let turn: Turn | undefined
  server.serve('count', async function* () {
    turn = new Turn()
    for (let count = 0; count < 10_000 && !turn.isOver; count++) yield count
  })
  for await (const _ of await client.call<AsyncIterable<number>>(peer, 'count', null)) if (turn?.isOver === true) break
  t.true(turn?.isOver)
})

test('timers fire while items are at hand', async t => {
  const { client, server, peer } = await requestPair(t)
  server.serve('drain', async (items: AsyncIterable<number>) => {
    work(50)
    const turn = new Turn()
    for await (const _ of items) if (turn.isOver) return true
    return false
  })
  const stream = await client.getStream(peer, 'drain')
  await stream.finish(`{"stream":true}\n${'{"item":1}\n'.repeat(most)}{"end":true}\n`)
  t.is(await stream.nextString(), '{"ok":true}')
})

test('a peer that sends short lines delays no call of another peer', async t => {
  await using peers = await pair()
  await using other = await pair()
  other.server.serve('echo', (input: unknown) => input)
  await other.client.call(other.server.address(), 'echo', 1)
  const [mine, theirs] = await filled(peers, '\n', 800_000)
  await mine.finish()
  await mine.closed
  let answer: unknown
  other.client.call(other.server.address(), 'echo', 2).then(
    value => {
      answer = value
    },
    (error: unknown) => {
      answer = error
    }
  )
  for await (const _ of theirs.lines()) if (answer !== undefined) break
  t.is(answer, 2)
})

test('a timeout ends a loop over lines that are at hand', async t => {
  await using peers = await pair()
  const [mine, theirs] = await filled(peers, '\n', 800_000)
  await mine.finish()
  await mine.closed
  const read = async () => {
    for await (const _ of theirs.lines({ signal: AbortSignal.timeout(10) }));
  }
  await t.throwsAsync(read(), { any: true, name: 'TimeoutError' })
})
