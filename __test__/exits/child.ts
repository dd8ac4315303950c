// Ends in the given way and at the given step, with calls of every kind pending. Arguments: the server's address, the way, the step, and
// the number of turns of the event loop and of milliseconds before the end.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { createEndpoint, type PeerAddress } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import type { Way } from './ways.js'

const [address = '', way, step = '0', turns = '0', ms = '0', level = 'main'] = process.argv.slice(2) as [
  string,
  Way,
  ...string[]
]
const server = JSON.parse(address) as PeerAddress
const self = fileURLToPath(import.meta.url)

const endpoint = await during(0, createEndpoint())
endpoint.listen({ Echo: stream => duplex(stream).pipe(duplex(stream)) })
const stream = await during(1, endpoint.getStream(server, 'Echo'))
await during(2, stream.write(new Uint8Array(200_000)))
await during(3, stream.read())
await during(4, endpoint.call(server, 'add', { a: 1, b: 2 }))
await during(
  5,
  endpoint.fetch(server, '/').then(response => response.text())
)
await during(6, endpoint.ping(server))
const never = await during(7, endpoint.getStream(server, 'Never', { ack: 'later' }))
const controller = new AbortController()
await during(8, never.read({ signal: controller.signal }))
const watching = endpoint.watch()
await during(9, watching.next())
const kept = endpoint.keep(server)
await during(10, stream.finish())
await during(
  11,
  endpoint.connect(server).then(connection => connection.closed)
)
kept.close()
if (way === 'fork' && level === 'main') {
  const child = fork(self, [address, 'end', '0', '0', '0', 'fork'], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  console.log(`fork ended with ${code}`)
}
if (way === 'worker' && level === 'main') {
  const workers = [0, 1, 2].map(() => new Worker(self, { argv: [address, 'end', '0', '0', '0', 'worker'] }))
  await Promise.all(workers.map(worker => once(worker, 'online')))
  await wait(Number(step) * 5 + Number(ms))
  await Promise.all(workers.map(worker => worker.terminate()))
  console.log(await endpoint.call(server, 'add', { a: 3, b: 4 }))
}
if (way === 'workers end' && level === 'main') {
  const workers = [0, 1, 2].map(() => new Worker(self, { argv: [address, 'end', '0', '0', '0', 'worker'] }))
  await Promise.all(workers.map(worker => once(worker, 'exit')))
}
if (way === 'close') await endpoint.close()
else if (level === 'main') console.log('ready')
if (way === 'signal' || way === 'kill') await wait(60_000)
// A pending read keeps a process alive.
controller.abort()
await watching.return()
endpoint.unref()

/** Awaits a call, which may never settle. Ends the program first if this is the step to end at. */
async function during<Result>(at: number, call: Promise<Result>): Promise<Result> {
  call.catch(() => {})
  if (String(at) === step && level === 'main') {
    for (let turn = 0; turn < Number(turns); turn++) await new Promise(resolve => setImmediate(resolve))
    if (ms !== '0') await wait(Number(ms))
    if (way === 'exit') process.exit(7)
    if (way === 'throw') await thrown()
    if (way === 'reject') void Promise.reject(new Error('as planned'))
    // The next steps would finish before Node.js reports the rejection.
    if (way === 'reject') await wait(60_000)
  }
  const settled = at === 8 || at === 11
  return await (settled ? (undefined as never) : call)
}

/** Throws outside every promise. */
async function thrown(): Promise<void> {
  setImmediate(() => {
    throw new Error('as planned')
  })
  await wait(60_000)
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
