// One end of a file transfer, for processes that are killed or run out of disk.
import { type FastnNetError, getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'
import { receiveTo, sendFrom } from 'fastn-net/node'

const [way, argument] = process.argv.slice(2)
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })

/** Never ends. */
async function* slow() {
  for (;;) {
    yield new Uint8Array(10_000)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

if (way === 'send') {
  const stream = await endpoint.getStream(JSON.parse(argument!) as PeerAddress, 'Http')
  await sendFrom(stream, slow())
} else {
  console.log(JSON.stringify(endpoint.address()))
  const listener = endpoint.listen({
    Http: async stream => {
      const outcome = await receiveTo(stream, argument!).catch((error: FastnNetError) => error)
      const cause = outcome instanceof Error ? (outcome.cause as { code?: string } | undefined) : undefined
      console.log(outcome instanceof Error ? `${outcome.code} ${cause?.code}` : String(outcome.bytes))
      setTimeout(() => void endpoint.close(), 100)
    }
  })
  await listener.closed
}
