// Serves until it is stopped. Also the vanishing peer, which serves until it is killed.
import { type Endpoint, Graceful, getEndpoint, type PeerAddress, type PeerStream, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, send, stopSignal, until } from './child.js'
import { openAuthorizing, openListed } from './guarded.js'
import { handlers, lines } from './handlers.js'
import { PeerWatcher } from './peer-watcher.js'
import { Denied, Intermittent, Late, Line, Slow } from './protocols.js'
import { Requests } from './requests.js'

/** Tasks of a server besides serving. */
export interface ServerTask {
  readonly key: string
  /** Sends requests to this peer, repeatedly. */
  readonly asks?: PeerAddress
  /** Opens endpoints with access lists, which always admit the first peer, and the second some of the time. */
  readonly lists?: { readonly always: string; readonly sometimes: string }
}

/** Addresses of a server's endpoints. */
export interface Addresses {
  readonly open: PeerAddress
  /** Requests authorization for each peer and stream. */
  readonly authorizing?: PeerAddress
  /** Has lists that change. */
  readonly listed?: PeerAddress
}

const task = JSON.parse(process.argv[2] as string) as ServerTask
const end = stopSignal()
const graceful = new Graceful()
const requests = new Requests()
const endpoint = await getEndpoint(SecretKey.from(task.key), { network: 'loopback', graceful })

let served = 0
const counted = handlers.map(([protocol, handler]) => {
  const count = async (stream: PeerStream) => {
    served++
    await handler(stream)
  }
  return [protocol, count] as const
})
// Errors that a peer causes by giving up are counted at the peer.
const quiet = { onError: () => {} }
const listeners = [endpoint.listen(counted, quiet)]
const watchers = [new PeerWatcher(endpoint, 0), new PeerWatcher(endpoint, 100)]

let guarded: { authorizing: Endpoint; listed: Endpoint } | undefined
if (task.lists !== undefined) {
  guarded = { authorizing: await openAuthorizing(graceful), listed: await openListed(graceful, task.lists, end) }
  const asked = [Slow, Denied, Late].map(protocol => [protocol, lines] as const)
  listeners.push(guarded.authorizing.listen([...counted, ...asked], quiet), guarded.listed.listen(counted, quiet))
  watchers.push(new PeerWatcher(guarded.authorizing, 100), new PeerWatcher(guarded.listed, 0))
}

// A listener that is opened and closed repeatedly.
const intermittent = (async () => {
  while (!end.aborted) {
    const streams = endpoint.acceptBi(Intermittent, { signal: AbortSignal.timeout(200) })
    for await (const stream of streams)
      stream
        .nextString()
        .then(line => stream.finish(`${line}\n`))
        .catch(() => {})
    await pause(100)
  }
})()

const addresses: Addresses = {
  open: endpoint.address(),
  ...(guarded && { authorizing: guarded.authorizing.address(), listed: guarded.listed.address() })
}
send({ kind: 'ready', addresses })
const timer = setInterval(() => send(sample(served, 0)), 1000)
const { asks } = task
if (asks !== undefined) {
  // The vanishing peer also sends requests, so that both sides dial the pair's connection.
  while (!end.aborted) {
    await requests.one('line from the vanishing peer', 'any', async () => {
      await using stream = await endpoint.getStream(asks, Line)
      await stream.finish('hello\n')
      await stream.nextString()
    })
    await pause(20)
  }
}
await new Promise<void>(resolve => (end.aborted ? resolve() : end.addEventListener('abort', () => resolve())))
await intermittent
clearInterval(timer)
// No more requests come, so that even a slow watcher gets the latest states.
await until(() => watchers.every(({ stale }) => stale.length === 0), 20_000)
const stale = watchers.flatMap((watcher, number) => watcher.stale.map(what => `watcher ${number}: ${what}`))
const report = await graceful.shutdown({ timeout: 20_000 })
await Promise.all([...listeners.map(({ closed }) => closed), ...watchers.map(({ done }) => done)])
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 8
}, 5000)
const last: Last = {
  kind: 'last',
  ended: served,
  unexpected: [...requests.unexpected, ...stale],
  lost: requests.lost(0),
  streams: report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
send(last)
if (process.connected) process.disconnect()
