// Writes on a stream that stays open, finishes another, and exits without closing anything.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Graceful, getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const [address, how, hook] = (workerData ?? process.argv.slice(2)) as [string, string, string]
if (isMainThread && how.startsWith('worker')) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [address, how.slice('worker '.length), hook] })
  worker.once('message', () => worker.terminate())
  await new Promise(resolve => worker.once('exit', resolve))
  // Keeps the peer from learning it by the end of the process.
  setInterval(() => {}, 1000)
} else {
  const server = JSON.parse(address) as PeerAddress
  const graceful = how === 'graceful' ? new Graceful({ signals: true }) : undefined
  const endpoint = await getEndpoint(SecretKey.generate(), {
    network: 'loopback',
    closeOnExit: hook === 'hook',
    ...(graceful && { graceful })
  })
  const stream = await endpoint.getStream(server, Protocol.generic('Hold'))
  await stream.write('hello\n')
  await stream.nextString()
  const last = await endpoint.getStream(server, Protocol.generic('Hold'), { ack: 'later' })
  const leave: Record<string, () => void> = {
    exit: () => process.exit(7),
    throw: () => {
      setImmediate(() => {
        throw new Error('as planned')
      })
    },
    closing: () => {
      void endpoint.close()
      process.exit(7)
    },
    terminate: () => parentPort?.postMessage('now'),
    graceful: () => {
      console.log('ready')
      void graceful?.spawn(
        cancelled => new Promise<void>(resolve => cancelled.addEventListener('abort', () => resolve()))
      )
      // Keeps the process alive until it is ended.
      const timer = setInterval(() => {}, 1000)
      graceful?.cancelled.addEventListener('abort', () => clearInterval(timer))
    }
  }
  await last.finish('last words\n')
  leave[how]?.()
}
