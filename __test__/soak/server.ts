// Serves until it is told to end. Also the peer that vanishes: it does the same until somebody kills it.
import { Graceful, getEndpoint, SecretKey } from 'fastn-net'
import { handleCount, type Last, pause, sample, tell, told, until } from './child.js'
import { handlers } from './handlers.js'
import { Comes, Line } from './protocols.js'
import { Requests } from './requests.js'

const [key, other] = process.argv.slice(2) as [string, string?]
const end = told()
const graceful = new Graceful()
const requests = new Requests()
const endpoint = await getEndpoint(SecretKey.from(key), { network: 'loopback', graceful })

let served = 0
const counted = handlers.map(
  ([protocol, handler]) =>
    [
      protocol,
      async (stream: Parameters<typeof handler>[0]) => {
        served++
        await handler(stream)
      }
    ] as const
)
// What a handler meets when its peer gives up is the peer's doing, and counted there.
const listening = endpoint.listen(counted, { onError: () => {} })

// A listener that comes and goes.
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

tell({ kind: 'ready', address: endpoint.address() })
const timer = setInterval(() => tell(sample(served, 0)), 1000)
if (other !== undefined) {
  // The one that vanishes also asks: the pair has a connection from either side.
  const peer = JSON.parse(other)
  while (!end.aborted) {
    await requests.one('line from the one that vanishes', 'any', async () => {
      await using stream = await endpoint.getStream(peer, Line)
      await stream.finish('hello\n')
      await stream.nextString()
    })
    await pause(20)
  }
}
await new Promise<void>(resolve => (end.aborted ? resolve() : end.addEventListener('abort', () => resolve())))
await comings
clearInterval(timer)
const report = await graceful.shutdown({ timeout: 20_000 })
await listening
await until(() => {
  globalThis.gc?.()
  return handleCount() <= 8
}, 5000)
const last: Last = {
  kind: 'last',
  ended: served,
  unexpected: requests.unexpected,
  lost: requests.lost(0),
  streams: report.openStreams,
  handles: handleCount(),
  shutdown: JSON.stringify(report)
}
tell(last)
process.disconnect?.()
