// Listens in one of several ways, until a stream tells it to close or its way ends listening.
import { getEndpoint, Protocol, SecretKey } from 'fastn-net'

const way = process.argv[2]
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
console.log(JSON.stringify(endpoint.address()))
if (way === 'unref') endpoint.unref()
if (way === 'ref') endpoint.unref().ref()

const Close = Protocol.generic('Close')
if (way === 'accept') {
  for await (const connection of endpoint.accept()) {
    for await (const stream of connection.acceptBi(Close)) {
      await stream.finish('closing\n')
      await endpoint.close()
    }
  }
} else if (way === 'acceptBi') {
  for await (const stream of endpoint.acceptBi(Close)) {
    await stream.finish('closing\n')
    break
  }
} else {
  const controller = new AbortController()
  const handlers = [
    [
      Close,
      async stream => {
        await stream.finish('closing\n')
        if (way === 'signal') controller.abort()
        else await endpoint.close()
      }
    ]
  ] satisfies Parameters<typeof endpoint.listen>[0]
  if (way === 'unref-later') setTimeout(() => endpoint.unref(), 50)
  await endpoint.listen(handlers, { signal: controller.signal }).closed
}
console.log('done')
