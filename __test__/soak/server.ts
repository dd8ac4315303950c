// Serves until it is stopped. Also the vanishing peer, which serves until it is killed.
import { type Endpoint, Graceful, getEndpoint, type PeerAddress, type PeerStream, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, tell, told, until } from './child.js'
import { openAsking, openListed } from './guarded.js'
import { handlers, lines } from './handlers.js'
import { Onlooker } from './onlooker.js'
import { Comes, Late, Line, Never, Slow } from './protocols.js'
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
  readonly asking?: PeerAddress
  /** Has lists that change. */
  readonly listed?: PeerAddress
}

const task = JSON.parse(process.argv[2] as string) as ServerTask
const end = told()
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
const onlookers = [new Onlooker(endpoint, 0), new Onlooker(endpoint, 100)]

let guarded: { asking: Endpoint; listed: Endpoint } | undefined
if (task.lists !== undefined) {
  guarded = { asking: await openAsking(graceful), listed: await openListed(graceful, task.lists, end) }
  const asked = [Slow, Never, Late].map(protocol => [protocol, lines] as const)
  listeners.push(guarded.asking.listen([...counted, ...asked], quiet), guarded.listed.listen(counted, quiet))
  onlookers.push(new Onlooker(guarded.asking, 100), new Onlooker(guarded.listed, 0))
}

// A listener that is opened and closed repeatedly.
const comings = (async () => {
  while (!end.aborted) {
    const streams = endpoint.acceptBi(Comes, { signal: AbortSignal.timeout(200) })
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
  ...(guarded && { asking: guarded.asking.address(), listed: guarded.listed.address() })
}
tell({ kind: 'ready', addresses })
const timer = setInterval(() => tell(sample(served, 0)), 1000)
const { asks } = task
if (asks !== undefined) {
  // The vanishing peer also sends requests, so that both sides dial the pair's connection.
  while (!end.aborted) {
    await requests.one('line from the one that vanishes', 'any', async () => {
      await using stream = await endpoint.getStream(asks, Line)
      await stream.finish('hello\n')
      await stream.nextString()
    })
    await pause(20)
  }
}
await new Promise<void>(resolve => (end.aborted ? resolve() : end.addEventListener('abort', () => resolve())))
await comings
clearInterval(timer)
// No more requests come, so that even a slow watcher gets the latest states.
await until(() => onlookers.every(({ wrong }) => wrong.length === 0), 20_000)
const wrong = onlookers.flatMap((onlooker, number) => onlooker.wrong.map(what => `onlooker ${number}: ${what}`))
const report = await graceful.shutdown({ timeout: 20_000 })
await Promise.all([...listeners.map(({ closed }) => closed), ...onlookers.map(({ done }) => done)])
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 8
}, 5000)
const last: Last = {
  kind: 'last',
  ended: served,
  unexpected: [...requests.unexpected, ...wrong],
  lost: requests.lost(0),
  streams: report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
tell(last)
if (process.connected) process.disconnect()
