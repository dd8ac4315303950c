import type { Endpoint, Listener } from 'fastn-net'

/** Serves `Greet`. Takes the endpoint, so that a test can pass one of its own. */
export function serveGreet(endpoint: Endpoint): Listener {
  return endpoint.listen({
    async Greet(stream) {
      const name = await stream.text({ maxBytes: 100 })
      await stream.finish(`Hello ${name}`)
    }
  })
}
