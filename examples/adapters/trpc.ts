// tRPC over a peer's streams: a query, a mutation and an error.
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { createEndpoint } from 'fastn-net'
import * as z from 'zod'
import { fetchFrom, serveFetch } from './fetch.js'

const { router, procedure } = initTRPC.context<{ peer: string }>().create()
const app = router({
  add: procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input }) => input.a + input.b),
  who: procedure.mutation(({ ctx }) => ctx.peer),
  fail: procedure.query(() => {
    throw new TRPCError({ code: 'NOT_FOUND', message: 'no such user' })
  })
})

await using server = await createEndpoint()
serveFetch(server, 'trpc', req =>
  fetchRequestHandler({
    endpoint: '',
    req,
    router: app,
    createContext: () => ({ peer: req.headers.get('fastn-peer') ?? '' })
  })
)

await using client = await createEndpoint()
const fetch = fetchFrom(client, await server.ticket(), 'trpc')
const remote = createTRPCClient<typeof app>({ links: [httpBatchStreamLink({ url: 'http://peer', fetch })] })
const answers = await Promise.all([remote.add.query({ a: 1, b: 2 }), remote.who.mutate()])
console.log(answers[0], answers[1] === client.id52)
await remote.fail.query().catch(error => console.log(error.data.code, error.message))
