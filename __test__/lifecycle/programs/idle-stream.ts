// Effects of a stream that waits for its peer on the process: see the names of the ways.
import { type FastnNetError, getEndpoint, type PeerAddress, type PeerStream, Protocol, SecretKey } from 'fastn-net'

// The endpoint closes when the event loop is empty, which ends every call.
const closed = (error: FastnNetError) => console.log(error.code)

const ways: Record<string, (stream: PeerStream) => unknown> = {
  signal: ({ signal }) => signal.addEventListener('abort', event => closed((event.target as AbortSignal).reason)),
  'signal after ref': stream => {
    stream.signal.addEventListener('abort', event => closed((event.target as AbortSignal).reason))
    setTimeout(() => stream.unref().ref(), 50)
  },
  unref: stream => void stream.unref().nextString().catch(closed),
  'unref later': stream => {
    void stream.nextString().catch(closed)
    setTimeout(() => stream.unref(), 50)
  },
  'unref of finish': async stream => {
    stream.unref()
    await stream.finish(new Uint8Array(50_000_000)).catch(closed)
  },
  read: async stream => console.log(await stream.nextString()),
  ref: async stream => {
    const line = stream.nextString()
    setTimeout(() => stream.unref().ref(), 50)
    console.log(await line)
  },
  'signal and read': async stream => {
    stream.signal.addEventListener('abort', event => closed((event.target as AbortSignal).reason))
    await new Promise(resolve => setTimeout(resolve, 50))
    console.log(await stream.nextString())
  }
}

const [server, way] = process.argv.slice(2)
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const stream = await endpoint.getStream(JSON.parse(server!) as PeerAddress, Protocol.generic('Http'))
console.log('waits')
await ways[way!]!(stream)
