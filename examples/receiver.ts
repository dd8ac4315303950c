import { Graceful, getEndpoint, SecretKey } from 'fastn-net'

const graceful = new Graceful({ signals: true }) // Ctrl-C ends well
await using endpoint = await getEndpoint(SecretKey.generate(), { graceful })
console.log(await endpoint.ticket())

await endpoint.listen(
  {
    // Runs side by side with every other stream. Returning finishes the stream, throwing resets it.
    async AccountToAccount(stream) {
      console.log(stream.remoteId52, await stream.nextJson())
      await stream.write('Response\n')
    }
  },
  { signal: graceful.cancelled }
)
