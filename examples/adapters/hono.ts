// Hono over a peer's streams: routes on one side, the typed client on the other.
import { createEndpoint } from 'fastn-net'
import { Hono } from 'hono'
import { hc } from 'hono/client'
import { streamText } from 'hono/streaming'
import { fetchFrom, serveFetch } from './fetch.js'

const app = new Hono()
  .get('/users/:id', context => context.json({ id: context.req.param('id'), peer: context.req.header('fastn-peer') }))
  .post('/upload', async context => context.text(`${(await context.req.arrayBuffer()).byteLength} bytes`))
  .get('/count', context =>
    streamText(context, async stream => {
      for (let at = 0; at < 3; at++) await stream.writeln(String(at))
    })
  )

await using server = await createEndpoint()
serveFetch(server, 'web', request => app.fetch(request))

await using client = await createEndpoint()
const fetch = fetchFrom(client, await server.ticket(), 'web')
const remote = hc<typeof app>('http://peer', { fetch })
const user = await (await remote.users[':id'].$get({ param: { id: '7' } })).json()
console.log(user.id, user.peer === client.id52)
console.log(await (await fetch('http://peer/upload', { method: 'POST', body: new Uint8Array(1_000_000) })).text())
console.log(await (await remote.count.$get()).text())
console.log((await fetch('http://peer/nowhere')).status)
