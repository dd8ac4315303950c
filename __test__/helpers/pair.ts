import { type Endpoint, type EndpointOptions, getEndpoint, type PeerStream, Protocol, SecretKey } from 'fastn-net'

/** The protocol that a pair's own streams have. */
export const Echo = Protocol.generic('Echo')

/** Two endpoints on loopback, of which the client knows where the server is. */
export interface Pair extends AsyncDisposable {
  readonly client: Endpoint
  readonly server: Endpoint
  /** The two ends of a new stream: the client's, and the server's. */
  stream(): Promise<[PeerStream, PeerStream]>
}

export async function pair(options: EndpointOptions = {}): Promise<Pair> {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), { network: 'loopback', ...options }),
    getEndpoint(SecretKey.generate(), { network: 'loopback', ...options })
  ])
  let incoming: AsyncIterator<PeerStream> | undefined
  // A test that looks at one end only must not lose the other to the collector, which would reset it.
  const kept: PeerStream[] = []
  return {
    client,
    server,
    async stream() {
      incoming ??= server.acceptBi(Echo)
      const [mine, theirs] = await Promise.all([client.getStream(server.address(), Echo), incoming.next()])
      kept.push(mine, theirs.value)
      return [mine, theirs.value]
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close(), server.close()])
      kept.length = 0
    }
  }
}

/** All bytes up to the stream's end. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes that tell their place: a lost, repeated or moved one shows. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = at ^ (at >> 8) ^ (at >> 16)
  return bytes
}

/** Resolves when the event loop has gone round, so that what was begun before has met what it waits for. */
export function turn(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 20))
}
