import { createEndpoint, defineService } from 'fastn-net'
import * as z from 'zod' // or valibot, arktype: any Standard Schema

// Shared by both programs.
const files = defineService(
  {
    size: { input: z.string(), output: z.number(), idempotent: true },
    read: { input: z.string(), output: { items: z.string() } }
  },
  { name: 'files' }
)

await using server = await createEndpoint()
server.serve(files, {
  size: path => path.length,
  async *read(path, { signal }) {
    for (const word of path.split('/')) {
      signal.throwIfAborted() // the caller has left the loop
      yield word
    }
  }
})

await using client = await createEndpoint()
const remote = client.client(files, await server.ticket())
console.log(await remote.size('a/b/c', { timeout: 2_000 }))
for await (const word of await remote.read('a/b/c')) console.log(word)
