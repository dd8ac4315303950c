import { createHash } from 'node:crypto'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'

export const Echo = 'Echo'
export const Sink = 'Sink'

/** Received stream of bytes. */
export interface Received {
  readonly bytes: number
  readonly sha256: string
}

export interface EchoServer extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** Address of the server, as a program argument. */
  readonly address: string
  /** Resolves with the data of the next `Sink` stream at EOF. Rejects if the stream was reset. */
  received(): Promise<Received>
}

/** An endpoint of this process. Echoes each line of `Echo`, and reads all of `Sink`. */
export async function echoServer(): Promise<EchoServer> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  endpoint.unref()
  const sinks = endpoint.acceptBi(Sink)
  const listener = endpoint.listen(
    [
      [
        Echo,
        async stream => {
          for await (const line of stream.lines()) await stream.write(`${line}\n`)
        }
      ]
    ],
    // These tests end programs in the middle of an exchange.
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
      await listener.closed
    }
  }
}
