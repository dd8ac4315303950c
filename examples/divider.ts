import { getEndpoint, SecretKey } from 'fastn-net'

await using endpoint = await getEndpoint(SecretKey.generate())
console.log(await endpoint.ticket())

const listener = endpoint.serve('divide', ({ a, b }: { a: number; b: number }) => {
  if (b === 0) throw new RangeError('division by zero')
  return a / b
})
await listener.closed
