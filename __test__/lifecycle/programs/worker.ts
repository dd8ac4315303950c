// A thread with its own endpoint: one exchange, or a call that waits forever.
import { once } from 'node:events'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'

const { server, what, told } = workerData as { server: PeerAddress; what: string; told: Int32Array }
const Echo = Protocol.generic('Echo')
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })

const waits: Record<string, () => Promise<unknown>> = {
  read: async () => (await endpoint.getStream(server, Echo)).read(),
  write: async () =>
    (await endpoint.getStream(server, Protocol.generic('Hold'))).write(new Uint8Array(64 * 1024 * 1024)),
  accept: () => endpoint.accept().next(),
  acceptBi: () => endpoint.acceptBi(Echo).next(),
  listen: () => endpoint.listen([[Echo, () => {}]]).closed,
  getStream: () => endpoint.getStream({ id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }, Echo),
  connect: () => endpoint.connect({ id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }),
  close: async () => {
    const stream = await endpoint.getStream(server, Protocol.generic('Hold'))
    await stream.finish(new Uint8Array(1024))
    return await endpoint.close()
  }
}

if (what === 'exchange' || what === 'exchange and leave') {
  const stream = await endpoint.getStream(server, Echo)
  await stream.finish('hello\n')
  parentPort?.postMessage(await stream.nextString())
  if (what === 'exchange') await endpoint.close()
} else if (what === 'busy') {
  // The thread answers, then blocks until the peer has the answer.
  const listener = endpoint.listen({
    async AccountToAccount(stream) {
      await stream.finish(`${await stream.nextString()}\n`)
      Atomics.wait(told, 0, 0)
    }
  })
  parentPort?.postMessage(endpoint.address())
  await once(parentPort as MessagePort, 'message')
  await endpoint.close()
  await listener.closed
} else {
  waits[what]?.().catch(() => {})
  setTimeout(() => parentPort?.postMessage('waiting'), 20)
}
