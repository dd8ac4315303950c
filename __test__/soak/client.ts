// The load: many kinds of requests, side by side, until it is told to end.
import { type Endpoint, Graceful, getEndpoint, type PeerAddress, type Protocol, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, tell, told, until } from './child.js'
import { give, handlers, take } from './handlers.js'
import { Both, Comes, Down, Half, Hold, Line, Nobody, Reset, Up } from './protocols.js'
import { Requests } from './requests.js'

const [serverText, vanishingText, boundText] = process.argv.slice(2) as [string, string, string]
const server = JSON.parse(serverText) as PeerAddress
const vanishing = JSON.parse(vanishingText) as PeerAddress
const end = told()
const graceful = new Graceful()
const requests = new Requests()
const options = { network: 'loopback', graceful } as const
const steady = await getEndpoint(SecretKey.generate(), options)
const rough = await getEndpoint(SecretKey.generate(), options)
const listening = steady.listen(handlers, { onError: () => {} })

/** An answer that is not what was asked for. */
function expect(got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`got ${got}, wanted ${wanted}`)
}

async function line(endpoint: Endpoint, peer: PeerAddress, ack: 'now' | 'later', protocol: Protocol = Line) {
  await using stream = await endpoint.getStream(peer, protocol, { ack })
  const text = `line ${Math.random()}`
  await stream.finish(`${text}\n`)
  expect(await stream.nextString(), text)
  expect(await stream.read(), null)
}

const size = () => 1 + Math.floor(Math.random() * 1024 * 1024)

async function up(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Up)
  const bytes = size()
  await give(stream, bytes)
  await stream.finish()
  expect(await stream.nextString(), String(bytes))
}

async function down(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Down)
  const bytes = size()
  await stream.write(`${bytes}\n`)
  expect(await take(stream), bytes)
}

async function both(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Both)
  const bytes = size()
  const giving = give(stream, bytes).then(() => stream.finish())
  expect((await Promise.all([take(stream), giving]))[0], bytes)
}

async function half() {
  await using stream = await steady.getStream(server, Half)
  await stream.finish('x'.repeat(1000))
  let lines = 0
  for await (const line of stream.lines()) {
    expect(line, '1000')
    lines++
  }
  expect(lines, 5)
}

async function reset() {
  await using stream = await steady.getStream(server, Reset)
  await stream.write('please\n')
  const error = await stream.read().then(
    () => ({ code: 'an answer', errorCode: 0 }),
    error => error
  )
  expect(`${error.code} ${error.errorCode}`, 'ERR_STREAM_RESET 7')
}

async function resetByUs() {
  const stream = await steady.getStream(server, Both)
  await stream.write('some bytes')
  stream.reset(9)
  stream.stop(9)
}

async function aborted() {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), Math.random() * 3)
  await using stream = await steady.getStream(server, Hold, { signal: controller.signal })
  await stream.read({ signal: controller.signal })
}

async function refused() {
  const error = await steady.getStream(server, Nobody).then(
    () => ({ code: 'an acknowledgement' }),
    error => error
  )
  expect(error.code, 'ERR_PROTOCOL_UNSUPPORTED')
}

async function shortLived() {
  await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  await line(endpoint, server, 'now')
  endpoint.drain()
}

/** A kind of request again and again, `side` of them side by side. */
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
      // Always a turn of the loop, so that no kind starves the others.
      await pause(ms * Math.random() * 2)
    }
  })
}

const comesAndGoes = ['ERR_PROTOCOL_UNSUPPORTED', 'ERR_STREAM_RESET', 'ERR_UNEXPECTED_END', 'ERR_STREAM_STOPPED']
const load = [
  ...again('line', 12, 2, [], () => line(steady, server, 'now')),
  ...again('line, ack later', 24, 2, [], () => line(steady, server, 'later')),
  ...again('bytes up', 1, 100, [], () => up(steady, server)),
  ...again('bytes down', 1, 100, [], () => down(steady, server)),
  ...again('bytes both ways', 1, 100, [], () => both(steady, server)),
  ...again('half-close', 2, 20, [], half),
  ...again('reset by the handler', 2, 20, [], reset),
  ...again('reset by the caller', 2, 20, [], resetByUs),
  ...again('aborted', 4, 5, ['AbortError'], aborted),
  ...again('refused', 2, 20, [], refused),
  ...again('ping', 1, 100, [], () => steady.ping(server)),
  ...again('a listener that comes and goes', 2, 20, comesAndGoes, () => line(steady, server, 'now', Comes)),
  ...again('an endpoint opened and closed', 1, 1000, [], shortLived),
  // Its connection is closed under it every now and then.
  ...again('line, connection closed', 4, 5, 'any', () => line(rough, server, 'later')),
  ...again('bytes, connection closed', 1, 50, 'any', () => both(rough, server)),
  ...again('the connection is closed', 1, 500, 'any', async () => (await rough.connect(server)).close(7, 'soak')),
  ...again('line to the one that vanishes', 2, 20, 'any', () => line(steady, vanishing, 'now')),
  ...again('bytes to the one that vanishes', 1, 50, 'any', () => up(steady, vanishing))
]

tell({ kind: 'ready' })
const timer = setInterval(() => tell(sample(requests.ended, requests.running)), 1000)
const bound = Number(boundText)
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
const views = await Promise.all([steady.connect(server), rough.connect(server)])
const used = () => views.reduce((sum, view) => sum + view.stats().streams - 1, 0)
await until(() => used() === 0, 20_000)
const streams = used()
const report = await graceful.shutdown({ timeout: 20_000 })
await listening
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 16
}, 5000)
const last: Last = {
  kind: 'last',
  ended: requests.ended,
  unexpected: requests.unexpected,
  lost: [...lost],
  streams: streams + report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
tell(last)
process.disconnect?.()
