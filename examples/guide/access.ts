import { createEndpoint } from 'fastn-net'

const friends = process.argv.slice(2) // ID52s
const endpoint = await createEndpoint({
  graceful: true,
  allow: friends, // all other peers are rejected after the handshake
  authorize: {
    // Only true authorizes. A promise of true is fine: look into a database here.
    stream: (id52, protocol) => protocol !== 'RigControl' || id52 === friends[0]
  },
  streamsPerSecond: 100 // per peer
})
endpoint.listen({
  async Http(stream) {
    await stream.writeLine(`hello ${stream.remoteId52}`)
  },
  async RigControl(stream) {
    endpoint.access.deny(await stream.text()) // disconnects that peer
    await stream.writeLine('denied')
  }
})
console.log(await endpoint.ticket())
