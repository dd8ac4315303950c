// oRPC over a peer's streams: a procedure, an error and an async iterator.
import { createORPCClient, ORPCError } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import { os, type RouterClient } from '@orpc/server'
import { RPCHandler } from '@orpc/server/fetch'
import { createEndpoint } from 'fastn-net'
import * as z from 'zod'
import { fetchFrom, serveFetch } from './fetch.js'

const base = os.$context<{ peer: string }>()
const router = {
  add: base.input(z.object({ a: z.number(), b: z.number() })).handler(({ input }) => input.a + input.b),
  who: base.handler(({ context }) => context.peer),
  fail: base.handler(() => {
    throw new ORPCError('NOT_FOUND', { message: 'no such user' })
  }),
  count: base.input(z.number()).handler(async function* ({ input }) {
    for (let at = 0; at < input; at++) yield at
  })
}

await using server = await createEndpoint()
const handler = new RPCHandler(router)
serveFetch(server, 'orpc', async request => {
  const context = { peer: request.headers.get('fastn-peer') ?? '' }
  const { response } = await handler.handle(request, { context })
  return response ?? new Response('no such procedure', { status: 404 })
})

await using client = await createEndpoint()
const link = new RPCLink({ url: 'http://peer', fetch: fetchFrom(client, await server.ticket(), 'orpc') })
const remote: RouterClient<typeof router> = createORPCClient(link)
console.log(await remote.add({ a: 1, b: 2 }), (await remote.who()) === client.id52)
await remote.fail().catch(error => console.log(error.code, error.message))
for await (const at of await remote.count(3)) console.log(at)
