// Threads that start and end while the main thread uses its own endpoint.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const what = process.argv[2]
const Echo = Protocol.generic('Echo')
const server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const listener = server.listen(
  [
    [
      Echo,
      async stream => {
        for await (const line of stream.lines()) await stream.write(`${line}\n`)
      }
    ],
    [Protocol.generic('Hold'), stream => stream.closed]
  ],
  { onError: () => {} }
)

const told = new Int32Array(new SharedArrayBuffer(4))
const start = (what: string) =>
  new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { server: server.address() as PeerAddress, what, told }
  })

async function exchange(): Promise<void> {
  const worker = start('exchange')
  const ended = once(worker, 'exit')
  const [line] = (await once(worker, 'message')) as [string]
  const [code] = (await ended) as [number]
  if (line !== 'hello' || code !== 0) throw new Error(`a worker said ${line} and ended with ${code}`)
}

if (what === 'in turn') {
  for (let count = 0; count < 50; count++) await exchange()
} else if (what === 'at once') {
  const own = await Promise.all(
    Array.from({ length: 4 }, () => getEndpoint(SecretKey.generate(), { network: 'loopback' }))
  )
  const streams = own.map(async endpoint => {
    const stream = await endpoint.getStream(server.address(), Echo)
    await stream.finish('hello\n')
    if ((await stream.nextString()) !== 'hello') throw new Error('an endpoint was not answered')
    await endpoint.close()
  })
  await Promise.all([...streams, ...Array.from({ length: 6 }, exchange)])
} else if (what === 'busy') {
  const worker = start('busy')
  const ended = once(worker, 'exit')
  const [address] = (await once(worker, 'message')) as [PeerAddress]
  const stream = await server.getStream(address, 'AccountToAccount', { ack: 'later' })
  await stream.finish('hello\n')
  if ((await stream.nextString()) !== 'hello') throw new Error('it answered something else')
  Atomics.store(told, 0, 1)
  Atomics.notify(told, 0)
  worker.postMessage('end')
  await ended
} else if (what === 'leave') {
  // A worker that closes nothing exits by itself, too.
  for (let count = 0; count < 5; count++) {
    const worker = start('exchange and leave')
    const ended = once(worker, 'exit')
    await once(worker, 'message')
    const [code] = (await ended) as [number]
    if (code !== 0) throw new Error(`a worker ended with ${code}`)
  }
} else {
  for (const each of ['read', 'write', 'accept', 'acceptBi', 'listen', 'getStream', 'connect', 'close']) {
    for (let count = 0; count < 3; count++) {
      const worker = start(each)
      await once(worker, 'message')
      await worker.terminate()
    }
  }
  await exchange()
}
await server.close()
await listener.closed
console.log('done')
