import { getEndpoint, SecretKey } from 'fastn-net'

const friends = process.argv.slice(2) // ID52s

await using endpoint = await getEndpoint(SecretKey.generate(), {
  allow: friends, // all other peers are rejected after the handshake
  authorize: {
    stream: (id52, protocol) => protocol === 'Http' || id52 === friends[0]
  },
  streamsPerSecond: 100 // per peer
})
console.log(await endpoint.ticket())

const listener = endpoint.listen({
  async Http(stream) {
    await stream.write(`hello ${stream.remoteId52}\n`)
  },
  async RigControl(stream) {
    endpoint.access.deny(await stream.nextString()) // disconnects that peer
  }
})
await listener.closed
