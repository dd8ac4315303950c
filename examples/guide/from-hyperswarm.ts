import { once } from 'node:events'
import { getEndpoint, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'

await using server = await getEndpoint(SecretKey.generate())
await using client = await getEndpoint(SecretKey.generate())

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
