// The load: many kinds of requests, concurrently, until it is stopped.
import { Graceful, getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, tell, told, until } from './child.js'
import { handlers } from './handlers.js'
import * as kinds from './kinds.js'
import { Onlooker } from './onlooker.js'
import { Comes, Late, Never, Nobody, Slow } from './protocols.js'
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
const { open, asking, listed } = server
const end = told()
const graceful = new Graceful()
const requests = new Requests()
const options = { network: 'loopback', graceful } as const
const steady = await getEndpoint(SecretKey.from(keys.steady), options)
const rough = await getEndpoint(SecretKey.generate(), options)
const unsure = await getEndpoint(SecretKey.from(keys.listed), options)
const listener = steady.listen(handlers, { onError: () => {} })
const onlookers = [new Onlooker(steady, 0), new Onlooker(steady, 100), new Onlooker(unsure, 100)]

/** Repeats a kind of request, `side` of them concurrently. */
function again(
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

const comesAndGoes = ['ERR_PROTOCOL_UNSUPPORTED', 'ERR_STREAM_RESET', 'ERR_UNEXPECTED_END', 'ERR_STREAM_STOPPED']
// The refusal can be lost with a closed connection, and its reason with it.
const maybe = ['ERR_UNAUTHORIZED', 'ERR_CONNECTION_LOST']
const { line, up, down, both } = kinds
const load = [
  ...again('line', 12, 2, [], () => line(steady, open, 'now')),
  ...again('line, ack later', 24, 2, [], () => line(steady, open, 'later')),
  ...again('bytes up', 1, 100, [], () => up(steady, open)),
  ...again('bytes down', 1, 100, [], () => down(steady, open)),
  ...again('bytes both ways', 1, 100, [], () => both(steady, open)),
  ...again('half-close', 2, 20, [], () => kinds.half(steady, open)),
  ...again('reset by the handler', 2, 20, [], () => kinds.reset(steady, open)),
  ...again('reset by the caller', 2, 20, [], () => kinds.resetByUs(steady, open)),
  ...again('aborted', 4, 5, ['AbortError'], () => kinds.aborted(steady, open)),
  ...again('refused', 2, 20, [], () => kinds.refused(steady, open, Nobody, 'ERR_PROTOCOL_UNSUPPORTED')),
  ...again('ping', 1, 100, [], () => steady.ping(open)),
  ...again('a listener that comes and goes', 2, 20, comesAndGoes, () => line(steady, open, 'now', Comes)),
  ...again('an endpoint opened and closed', 1, 1000, [], () => kinds.shortLived(open)),
  // Its connection is closed during the request every now and then.
  ...again('line, connection closed', 4, 5, 'any', () => line(rough, open, 'later')),
  ...again('bytes, connection closed', 1, 50, 'any', () => both(rough, open)),
  ...again('the connection is closed', 1, 500, 'any', async () => (await rough.connect(open)).close(7, 'soak')),
  ...again('line to the one that vanishes', 2, 20, 'any', () => line(steady, vanishing, 'now')),
  ...again('bytes to the one that vanishes', 1, 50, 'any', () => up(steady, vanishing)),
  // More concurrent requests than there may be pending authorization requests about one peer.
  ...again('asked about, slowly', 16, 20, ['ERR_BUSY'], () => line(steady, asking, 'now', Slow)),
  ...again('asked about, slowly, ack later', 8, 20, ['ERR_BUSY'], () => line(steady, asking, 'later', Slow)),
  ...again('given up while asked about', 2, 20, ['AbortError', 'ERR_BUSY'], () => kinds.aborted(steady, asking, Slow)),
  // Authorization requests about other peers do not delay these.
  ...again('asked about', 4, 5, [], () => line(unsure, asking, 'now')),
  ...again('the answer is no', 2, 20, [], () => kinds.refused(unsure, asking, Never, 'ERR_UNAUTHORIZED')),
  ...again('no answer in time', 2, 100, [], () => kinds.refused(unsure, asking, Late, 'ERR_UNAUTHORIZED')),
  ...again('a stranger that is asked about', 2, 500, [], () => kinds.stranger(asking)),
  ...again('a stranger that leaves', 1, 500, ['ERR_CLOSED', 'ERR_UNAUTHORIZED'], () => kinds.passer(asking)),
  ...again('always on the lists', 2, 10, [], () => line(steady, listed, 'now')),
  ...again('sometimes on the lists', 4, 10, maybe, () => line(unsure, listed, 'now')),
  ...again('sometimes on the lists, ack later', 4, 10, maybe, () => line(unsure, listed, 'later')),
  ...again('bytes, sometimes on the lists', 1, 50, maybe, () => both(unsure, listed)),
  ...again('ping, sometimes on the lists', 1, 50, maybe, () => unsure.ping(listed)),
  ...again('each known peer is watched', 1, 100, [], () => kinds.overview(steady)),
  ...again('watched for a moment', 1, 100, [], () => kinds.glance(steady))
]

tell({ kind: 'ready' })
const timer = setInterval(() => tell(sample(requests.ended, requests.running)), 1000)
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
await until(() => onlookers.every(({ wrong }) => wrong.length === 0), 20_000)
const wrong = onlookers.flatMap((onlooker, number) => onlooker.wrong.map(what => `onlooker ${number}: ${what}`))
const report = await graceful.shutdown({ timeout: 20_000 })
await Promise.all([listener.closed, ...onlookers.map(({ done }) => done)])
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 16
}, 5000)
const last: Last = {
  kind: 'last',
  ended: requests.ended,
  unexpected: [...requests.unexpected, ...wrong],
  lost: [...lost],
  streams: streams + report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
tell(last)
if (process.connected) process.disconnect()
