// The load: many kinds of requests, concurrently, until it is stopped.
import { Graceful, getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, send, stopSignal, until } from './child.js'
import { handlers } from './handlers.js'
import * as kinds from './kinds.js'
import { PeerWatcher } from './peer-watcher.js'
import { Denied, Intermittent, Late, Slow, Unserved } from './protocols.js'
import { Requests } from './requests.js'
import type { Addresses } from './server.js'

/** The server that a client calls, and the keys that it uses. */
export interface ClientTask {
  readonly server: Required<Addresses>
  /** The server that is killed every now and then. */
  readonly vanishing: PeerAddress
  /** Keys of the peer that the server always admits, and of the peer that is on its lists some of the time. */
  readonly keys: { readonly steady: string; readonly listed: string }
  /** Time limit of a request, in milliseconds. */
  readonly bound: number
}

const { server, vanishing, keys, bound } = JSON.parse(process.argv[2] as string) as ClientTask
const { open, authorizing, listed } = server
const end = stopSignal()
const graceful = new Graceful()
const requests = new Requests()
const options = { network: 'loopback', graceful } as const
const steady = await getEndpoint(SecretKey.from(keys.steady), options)
const rough = await getEndpoint(SecretKey.generate(), options)
const unsure = await getEndpoint(SecretKey.from(keys.listed), options)
const listener = steady.listen(handlers, { onError: () => {} })
const watchers = [new PeerWatcher(steady, 0), new PeerWatcher(steady, 100), new PeerWatcher(unsure, 100)]

/** Repeats a kind of request, `side` of them concurrently. */
function repeat(
  what: string,
  side: number,
  ms: number,
  allowed: readonly string[] | 'any',
  run: () => Promise<unknown>
) {
  return Array.from({ length: side }, async () => {
    while (!end.aborted) {
      await requests.one(what, allowed, run)
      // At least a turn of the event loop, so that no kind starves the others.
      await pause(ms * Math.random() * 2)
    }
  })
}

const unservedAtTimes = ['ERR_PROTOCOL_UNSUPPORTED', 'ERR_STREAM_RESET', 'ERR_UNEXPECTED_END', 'ERR_STREAM_STOPPED']
// The refusal can be lost with a closed connection, and its reason with it.
const maybe = ['ERR_UNAUTHORIZED', 'ERR_CONNECTION_LOST']
const { line, up, down, both } = kinds
const load = [
  ...repeat('line', 12, 2, [], () => line(steady, open, 'now')),
  ...repeat('line, ack later', 24, 2, [], () => line(steady, open, 'later')),
  ...repeat('bytes up', 1, 100, [], () => up(steady, open)),
  ...repeat('bytes down', 1, 100, [], () => down(steady, open)),
  ...repeat('bytes both ways', 1, 100, [], () => both(steady, open)),
  ...repeat('half-close', 2, 20, [], () => kinds.halfClose(steady, open)),
  ...repeat('reset by the handler', 2, 20, [], () => kinds.reset(steady, open)),
  ...repeat('reset by the caller', 2, 20, [], () => kinds.resetByUs(steady, open)),
  ...repeat('aborted', 4, 5, ['AbortError'], () => kinds.aborted(steady, open)),
  ...repeat('refused', 2, 20, [], () => kinds.refused(steady, open, Unserved, 'ERR_PROTOCOL_UNSUPPORTED')),
  ...repeat('ping', 1, 100, [], () => steady.ping(open)),
  ...repeat('an intermittent listener', 2, 20, unservedAtTimes, () => line(steady, open, 'now', Intermittent)),
  ...repeat('an endpoint opened and closed', 1, 1000, [], () => kinds.shortLived(open)),
  // Its connection is closed during the request every now and then.
  ...repeat('line, connection closed', 4, 5, 'any', () => line(rough, open, 'later')),
  ...repeat('bytes, connection closed', 1, 50, 'any', () => both(rough, open)),
  ...repeat('the connection is closed', 1, 500, 'any', async () => (await rough.connect(open)).close(7, 'soak')),
  ...repeat('line to the vanishing peer', 2, 20, 'any', () => line(steady, vanishing, 'now')),
  ...repeat('bytes to the vanishing peer', 1, 50, 'any', () => up(steady, vanishing)),
  // More concurrent requests than there may be pending authorization requests about one peer.
  ...repeat('authorized slowly', 16, 20, ['ERR_BUSY'], () => line(steady, authorizing, 'now', Slow)),
  ...repeat('authorized slowly, ack later', 8, 20, ['ERR_BUSY'], () => line(steady, authorizing, 'later', Slow)),
  ...repeat('aborted during authorization', 2, 20, ['AbortError', 'ERR_BUSY'], () =>
    kinds.aborted(steady, authorizing, Slow)
  ),
  // Authorization requests about other peers do not delay these.
  ...repeat('authorized', 4, 5, [], () => line(unsure, authorizing, 'now')),
  ...repeat('denied', 2, 20, [], () => kinds.refused(unsure, authorizing, Denied, 'ERR_UNAUTHORIZED')),
  ...repeat('authorization timeout', 2, 100, [], () => kinds.refused(unsure, authorizing, Late, 'ERR_UNAUTHORIZED')),
  ...repeat('unknown peer', 2, 500, [], () => kinds.unknownPeer(authorizing)),
  ...repeat('unknown peer that disconnects', 1, 500, ['ERR_CLOSED', 'ERR_UNAUTHORIZED'], () =>
    kinds.disconnectingPeer(authorizing)
  ),
  ...repeat('always on the lists', 2, 10, [], () => line(steady, listed, 'now')),
  ...repeat('sometimes on the lists', 4, 10, maybe, () => line(unsure, listed, 'now')),
  ...repeat('sometimes on the lists, ack later', 4, 10, maybe, () => line(unsure, listed, 'later')),
  ...repeat('bytes, sometimes on the lists', 1, 50, maybe, () => both(unsure, listed)),
  ...repeat('ping, sometimes on the lists', 1, 50, maybe, () => unsure.ping(listed)),
  ...repeat('new watch', 1, 100, [], () => kinds.newWatch(steady)),
  ...repeat('aborted watch', 1, 100, [], () => kinds.abortedWatch(steady))
]

send({ kind: 'ready' })
const timer = setInterval(() => send(sample(requests.ended, requests.running)), 1000)
const lost = new Set<string>()
const watchdog = setInterval(() => {
  for (const what of requests.lost(bound)) lost.add(what.replace(/, for \d+ s$/, ''))
}, 1000)
await new Promise<void>(resolve => end.addEventListener('abort', () => resolve()))

// Every request ends by itself, without a shutdown that would end it.
if (!(await until(() => requests.running === 0, bound))) for (const what of requests.lost(0)) lost.add(what)
if (lost.size === 0) await Promise.all(load)
clearInterval(timer)
clearInterval(watchdog)
const views = await Promise.all([steady.connect(open), rough.connect(open)])
const used = () => views.reduce((sum, view) => sum + view.stats().streams - 1, 0)
await until(() => used() === 0, 20_000)
const streams = used()
await until(() => watchers.every(({ stale }) => stale.length === 0), 20_000)
const stale = watchers.flatMap((watcher, number) => watcher.stale.map(what => `watcher ${number}: ${what}`))
const report = await graceful.shutdown({ timeout: 20_000 })
await Promise.all([listener.closed, ...watchers.map(({ done }) => done)])
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 16
}, 5000)
const last: Last = {
  kind: 'last',
  ended: requests.ended,
  unexpected: [...requests.unexpected, ...stale],
  lost: [...lost],
  streams: streams + report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
send(last)
if (process.connected) process.disconnect()
