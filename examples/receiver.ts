import { createEndpoint } from 'fastn-net'

const endpoint = await createEndpoint({ graceful: true }) // Ctrl-C shuts down gracefully
endpoint.listen({
  // Runs once per stream. Streams run concurrently.
  async Greet(stream) {
    const name = await stream.text() // all that the sender sends
    await stream.finish(`Hello ${name}, you are ${stream.remoteId52}`)
  }
})
console.log(await endpoint.ticket())
