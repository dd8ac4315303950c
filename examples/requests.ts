import { createEndpoint } from 'fastn-net'

await using server = await createEndpoint()
server.serve('divide', ({ a, b }: { a: number; b: number }) => {
  if (b === 0) throw new RangeError('division by zero')
  return a / b
})

await using client = await createEndpoint() // usually another program
const peer = await server.ticket()
console.log(await client.call(peer, 'divide', { a: 1, b: 4 }))
await client.call(peer, 'divide', { a: 1, b: 0 }).catch(error => console.log(error.remoteName, error.message))
