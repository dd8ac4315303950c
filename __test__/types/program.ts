// A user's program, compiled by scripts/types.mjs with the strictest settings, with and without the DOM types.
import { getEndpoint, type Peer, type PeerStream, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'

export async function program(stream: PeerStream, peer: Peer): Promise<string | undefined> {
  // Bytes fit APIs that require unshared memory.
  for await (const chunk of stream) {
    await crypto.subtle.digest('SHA-256', chunk)
    console.log(new Blob([chunk, SecretKey.generate().toBytes()]).size)
  }
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  endpoint.listen({ Echo: incoming => duplex(incoming).resume() })
  const other = await endpoint.getStream(peer, 'Echo')
  const { value } = await other.readable.pipeThrough(new TextDecoderStream()).getReader().read()
  return value
}
