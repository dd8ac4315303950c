import { type Endpoint, type EndpointOptions, getEndpoint, type PeerStream, SecretKey } from 'fastn-net'

/** Protocol of a pair's streams. */
export const Echo = 'Echo'

/** Two endpoints on loopback. The client knows the server's address. */
export interface Pair extends AsyncDisposable {
  readonly client: Endpoint
  readonly server: Endpoint
  /** Opens a stream. Returns the client's end and the server's. */
  stream(): Promise<[PeerStream, PeerStream]>
}

/** `options`: of both endpoints. `serverOptions`: of the server alone. */
export async function pair(options: EndpointOptions = {}, serverOptions: EndpointOptions = {}): Promise<Pair> {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), { network: 'loopback', ...options }),
    getEndpoint(SecretKey.generate(), { network: 'loopback', ...options, ...serverOptions })
  ])
  let incoming: AsyncIterator<PeerStream> | undefined
  // Keeps both ends referenced: garbage collection of the unused one would reset the stream.
  const kept: PeerStream[] = []
  const alive = keepAlive()
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
      try {
        await Promise.all([client.close(), server.close()])
      } finally {
        alive[Symbol.dispose]()
      }
      kept.length = 0
    }
  }
}

/** Keeps the process alive until disposal. Some calls do not, and the last test of a file may wait for one of them. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1000)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Reads all bytes to EOF. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes that encode their offset, so that a lost, repeated or moved one is detected. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = at ^ (at >> 8) ^ (at >> 16)
  return bytes
}

/** Resolves after a turn of the event loop, when earlier calls have started to wait. */
export function turn(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 20))
}
