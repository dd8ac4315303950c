import { createHash } from 'node:crypto'
import { type Endpoint, getEndpoint, Protocol, SecretKey } from 'fastn-net'

export const Echo: Protocol = Protocol.generic('Echo')
export const Sink: Protocol = Protocol.generic('Sink')

/** What a stream of bytes was. */
export interface Received {
  readonly bytes: number
  readonly sha256: string
}

export interface EchoServer extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** Its address as a program's argument. */
  readonly address: string
  /** What came on the next `Sink` stream, once it ended; rejects when it was reset. */
  received(): Promise<Received>
}

/** An endpoint of this process. It answers each line of `Echo` with that line, and takes whatever comes on `Sink`. */
export async function echoServer(): Promise<EchoServer> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  endpoint.unref()
  const sinks = endpoint.acceptBi(Sink)
  const listening = endpoint.listen(
    [
      [
        Echo,
        async stream => {
          for await (const line of stream.lines()) await stream.write(`${line}\n`)
        }
      ]
    ],
    // Programs that end in the middle of something are what these tests are about.
    { onError: () => {} }
  )
  return {
    endpoint,
    address: JSON.stringify(endpoint.address()),
    async received() {
      const { value: stream } = await sinks.next()
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of stream!) {
        hash.update(chunk)
        bytes += chunk.length
      }
      return { bytes, sha256: hash.digest('hex') }
    },
    async [Symbol.asyncDispose]() {
      await endpoint.close()
      await listening
    }
  }
}
