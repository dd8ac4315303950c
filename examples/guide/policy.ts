import { createEndpoint } from 'fastn-net'

const client = await createEndpoint()
const friends = new Set([client.id52])
const server = await createEndpoint({
  policy: {
    rules: [
      { peers: friends, protocol: 'Chat', effect: 'allow' },
      { peers: friends, protocol: 'Tcp', service: 'db', effect: 'allow' },
      { service: 'web', effect: { perSecond: 10 } } // every peer, rate-limited
    ]
  }
})
server.listen({
  Chat: stream => stream.finish('hello'),
  Admin: stream => stream.finish('secret')
})
const chat = await client.getStream(server.address(), 'Chat')
console.log(await chat.text())
const refused = await client.getStream(server.address(), 'Admin').catch(error => error.code)
console.log(refused)
console.log(server.access.explain(client.id52, 'Tcp', { service: 'db' }).index)

server.access.setPolicy({ rules: [] }) // ends streams that were allowed before
console.log(server.access.explain(client.id52, 'Chat'))
await Promise.all([client.close(), server.close()])
