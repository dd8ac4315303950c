// Both ends of many streams make random calls, in an order derived from a seed. Nothing hangs, no byte changes,
// every error has a fitting code, and nothing leaks.
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { isFastnNetError, type PeerStream } from 'fastn-net'
import { Echo, pair, pattern } from '../helpers/pair.js'

const whole = pattern(4_000_000)
const sizes = [0, 1, 100, 5_000, 70_000, 400_000]
const fitting = new Set(['ERR_STREAM_RESET', 'ERR_STREAM_STOPPED', 'ERR_UNEXPECTED_END', 'AbortError', 'TimeoutError'])

/** A reproducible sequence of small integers. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
}

function after(ms: number): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), ms)
  return controller.signal
}

/** Outcome of a call that was aborted. */
const unlessAborted = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch(error => {
    if (error.name !== 'AbortError') throw error
    return undefined
  })

async function write(stream: PeerStream, roll: (below: number) => number): Promise<void> {
  let at = 0
  for (let left = roll(12); left > 0; left--) {
    const chunk = whole.subarray(at, at + (sizes[roll(sizes.length)] as number))
    const way = roll(12)
    if (way === 0) return stream.reset(roll(200))
    if (way === 1) {
      const signal = after(roll(5))
      if ((await unlessAborted(stream.write(chunk, { signal }).then(() => true))) === undefined) continue
    } else await stream.write(chunk)
    at += chunk.length
  }
  if (roll(4) > 0) await stream.finish(whole.subarray(at, at + 7))
  else await stream[Symbol.asyncDispose]()
  if (roll(3) === 0) await stream.closed
}

async function read(stream: PeerStream, roll: (below: number) => number): Promise<void> {
  for (let at = 0; ; ) {
    const way = roll(20)
    if (way === 0) return stream.stop(roll(200))
    if (way === 1) await wait(roll(3))
    const into = new Uint8Array(1 + roll(100_000))
    const options = way < 6 ? { signal: after(roll(3)) } : {}
    const got = await unlessAborted(stream.read({ ...options, into }))
    if (got === null) return
    if (got === undefined) continue
    if (!whole.subarray(at, at + got).every((byte, index) => byte === into[index])) throw new Error('other bytes')
    at += got
  }
}

for (const seed of [1, 7, 42]) {
  test(`random calls on many streams neither hang nor corrupt data, seed ${seed}`, async t => {
    const roll = dice(seed)
    // Nothing here is refused or lost, but a busy machine acknowledges late.
    await using peers = await pair({ ackTimeout: 60_000 })
    // Once the endpoints close, any error fits: a stream that its opener gave up may reach the server's handler as late as that.
    let isOver = false
    const fits = (error: unknown) => {
      const name = isFastnNetError(error) ? error.code : (error as Error).name
      if (!isOver && !fitting.has(name)) t.fail(String(error))
    }
    const use = (stream: PeerStream) =>
      Promise.all([write(stream, roll).catch(fits), read(stream, roll).catch(fits)]).then(() => {})
    let handling = 0
    const handle = (stream: PeerStream) => {
      handling++
      return use(stream).finally(() => handling--)
    }
    peers.server.listen([[Echo, handle]], { onError: fits })
    const address = peers.server.address()
    let left = 1000
    const loop = async () => {
      while (left-- > 0) {
        const way = roll(4)
        const options = way === 0 ? { signal: AbortSignal.timeout(1 + roll(30)) } : { ack: way === 1 ? 'later' : 'now' }
        const opened = await peers.client.getStream(address, Echo, options as object).catch(fits)
        if (opened) await use(opened)
        await opened?.[Symbol.asyncDispose]()
      }
    }
    await Promise.all(Array.from({ length: 24 }, loop))
    const open = () => [peers.client, peers.server].map(each => /^fastn_net_streams (\d+)/m.exec(each.metrics())?.[1])
    // A handler may still be between two calls although both halves of its stream have ended.
    while (handling > 0 || open().some(count => count !== '0')) await wait(20)
    isOver = true
    t.deepEqual(open(), ['0', '0'])
  })
}
