import { getEndpoint, SecretKey } from 'fastn-net'

await using server = await getEndpoint(SecretKey.generate())
await using client = await getEndpoint(SecretKey.generate())
const peer = await server.ticket()

server.listen({
  async Echo(stream) {
    for await (const chunk of stream) await stream.write(chunk)
  },
  async Sum(stream) {
    const numbers = await stream.nextJson<number[]>()
    await stream.finish(`${JSON.stringify({ sum: numbers.reduce((a, b) => a + b, 0) })}\n`)
  }
})

// #region bytes
await using stream = await client.getStream(peer, 'Echo')
await stream.write('text as UTF-8, or ')
await stream.write(new Uint8Array([98, 121, 116, 101, 115]))
await stream.finish() // no more from this side; reading goes on

const decoder = new TextDecoder()
let text = ''
for await (const chunk of stream) text += decoder.decode(chunk, { stream: true })
console.log(text)
// #endregion

// #region json
await using question = await client.getStream(peer, 'Sum')
await question.finish(`${JSON.stringify([1, 2, 3])}\n`)
const { sum } = await question.nextJson<{ sum: number }>()
console.log(sum)
// #endregion

// #region web
await using web = await client.getStream(peer, 'Echo')
const packed = new Blob(['web streams']).stream().pipeThrough(new CompressionStream('gzip'))
const sending = packed.pipeTo(web.writable)
const unpacked = web.readable.pipeThrough(new DecompressionStream('gzip'))
console.log(await new Response(unpacked).text())
await sending
// #endregion
