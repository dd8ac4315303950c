// A program of a user's, compiled by scripts/types.mjs as strictly as a user may, with and without the DOM's types.
import { getEndpoint, type Peer, type PeerStream, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'

export async function program(stream: PeerStream, peer: Peer): Promise<string | undefined> {
  // Bytes are taken by whatever takes bytes that no other thread can change.
  for await (const chunk of stream) {
    await crypto.subtle.digest('SHA-256', chunk)
    console.log(new Blob([chunk, SecretKey.generate().toBytes()]).size)
  }
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  void endpoint.listen({ Echo: incoming => duplex(incoming).resume() })
  const other = await endpoint.getStream(peer, 'Echo')
  const { value } = await other.readable.pipeThrough(new TextDecoderStream()).getReader().read()
  return value
}
