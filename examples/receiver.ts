import { createEndpoint, Graceful } from 'fastn-net'

const graceful = new Graceful({ signals: true }) // Ctrl-C shuts down gracefully
await using endpoint = await createEndpoint({ graceful })
console.log(await endpoint.ticket())

const listener = endpoint.listen({
  // Runs once per stream. Streams run concurrently.
  async Greet(stream) {
    const name = await stream.text() // all that the sender sends
    await stream.finish(`Hello ${name}, you are ${stream.remoteId52}`)
  }
})
await listener.closed
