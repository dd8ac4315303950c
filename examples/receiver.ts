import { Graceful, getEndpoint, SecretKey } from 'fastn-net'

const graceful = new Graceful({ signals: true }) // Ctrl-C shuts down gracefully
await using endpoint = await getEndpoint(SecretKey.generate(), { graceful })
console.log(await endpoint.ticket())

const listener = endpoint.listen(
  {
    // Streams run concurrently. Return to finish the stream, throw to reset it.
    async AccountToAccount(stream) {
      console.log(stream.remoteId52, await stream.nextJson())
      await stream.write('Response\n')
    }
  },
  { signal: graceful.cancelled }
)
await listener.closed
