import { once } from 'node:events'
import { createEndpoint } from 'fastn-net'
import { duplex } from 'fastn-net/node'

await using server = await createEndpoint()
await using client = await createEndpoint()

// swarm.on('connection', socket => …)
server.listen({
  Chat(stream) {
    const socket = duplex(stream)
    socket.on('data', data => socket.write(`you said ${data}`))
    socket.on('end', () => socket.end())
  }
})

// swarm.joinPeer(publicKey)
using _kept = client.keep(server.address())
const socket = duplex(await client.getStream(server.address(), 'Chat'))
socket.end('hello')
const [answer] = await once(socket, 'data')
console.log(String(answer))
