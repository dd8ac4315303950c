// Runs the addon's unsafe code once: bytes in and out of JavaScript's memory, handles, wakes, ends of threads. For Valgrind, under which
// it takes a minute or two, and for the sanitizers. Prints 'done'.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { createEndpoint, type Items } from 'fastn-net'
import { duplex } from 'fastn-net/node'

const patient = { timeout: 120_000 }
const options = { network: 'loopback' } as const
const [server, client] = await Promise.all([createEndpoint(options), createEndpoint(options)])
server.listen({ Echo: stream => duplex(stream).pipe(duplex(stream)), Never: stream => stream.closed }, { onError() {} })
server.serve('numbers', async function* (to: number) {
  for (let at = 0; at < to; at++) yield { at }
})
server.serveHttp(async request => new Response(await request.arrayBuffer()))
const peer = server.address()

// Chunks that begin and end within a larger buffer, and are larger than one read.
const sent = new Uint8Array(300_000).map((_, at) => at ^ (at >> 8))
const stream = await client.getStream(peer, 'Echo', patient)
for (let at = 0; at < sent.length; at += 70_001) await stream.write(sent.subarray(at, at + 70_001))
await stream.finish()
check(await stream.bytes(), sent)

let count = 0
for await (const { at } of await client.call<Items<{ at: number }>>(peer, 'numbers', 20, patient)) count += at
if (count !== 190) throw new Error(`counted ${count}`)
const response = await client.fetch(peer, '/', { method: 'POST', body: sent })
check(new Uint8Array(await response.arrayBuffer()), sent)

const controller = new AbortController()
const waiting = (await client.getStream(peer, 'Never', patient)).read({ signal: controller.signal })
controller.abort(new Error('enough'))
await waiting.catch(() => {})
const kept = client.keep(peer)
const watching = client.watch()
await watching.next()
await watching.return()
kept.close()

if (isMainThread) {
  // A thread that waits for nothing, so that no operation starts in it.
  const keys = new Worker(
    `import(${JSON.stringify(import.meta.resolve('fastn-net'))}).then(m => m.SecretKey.generate())`,
    {
      eval: true
    }
  )
  await once(keys, 'exit')
  const worker = new Worker(fileURLToPath(import.meta.url))
  await once(worker, 'message')
  // With endpoints open, and a pending call.
  await worker.terminate()
  await Promise.all([client.close(), server.close()])
  console.log('done')
} else {
  void client.getStream(peer, 'Never').then(never => never.read())
  parentPort?.postMessage('open')
}

function check(got: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(got, wanted) !== 0) throw new Error(`${got.length} other bytes`)
}
