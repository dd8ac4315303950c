import { createEndpoint } from 'fastn-net'

// Two endpoints of one process. Nothing leaves the machine.
await using server = await createEndpoint({ network: 'loopback' })
await using client = await createEndpoint({ network: 'loopback' })
server.listen({ Greet: stream => stream.finish('hello') })

// An address is a ticket as an object. Without a ticket or a lookup server, pass it.
await using stream = await client.getStream(server.address(), 'Greet')
console.log(await stream.text())
console.log(stream.connection.paths)
