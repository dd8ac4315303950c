import { createEndpoint } from 'fastn-net'

await using server = await createEndpoint()
server.serve('square', (n: number) => n * n)

await using client = await createEndpoint()
const peer = await server.ticket()
const squares = await Promise.all(Array.from({ length: 200 }, (_, n) => client.call<number>(peer, 'square', n)))
console.log(squares.length, squares[199])
