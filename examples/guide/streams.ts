import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint } from 'fastn-net'

await using server = await createEndpoint()
await using client = await createEndpoint()
const peer = await server.ticket()

server.listen({
  async Echo(stream) {
    for await (const chunk of stream) await stream.write(chunk)
  },
  async Sums(stream) {
    for await (const line of stream.lines()) {
      const numbers: number[] = JSON.parse(line)
      await stream.writeJson({ sum: numbers.reduce((a, b) => a + b, 0) })
    }
  }
})

// #region whole
await using greeting = await client.getStream(peer, 'Echo')
await greeting.finish('hello') // the last bytes, and the end
console.log(await greeting.text()) // up to the end; also json() and bytes()
// #endregion

// #region chunks
await using stream = await client.getStream(peer, 'Echo')
await stream.write('text as UTF-8, or ')
await stream.write(new Uint8Array([98, 121, 116, 101, 115]))
await stream.finish()

let received = 0
for await (const chunk of stream) received += chunk.length // Uint8Array
console.log(received)
// #endregion

// #region lines
await using sums = await client.getStream(peer, 'Sums')
for (const numbers of [
  [1, 2, 3],
  [10, 20]
]) {
  await sums.writeJson(numbers) // one line
  const { sum } = await sums.nextJson<{ sum: number }>()
  console.log(sum)
}
await sums.finish() // without it, the peer sees an error instead of the end
// #endregion

// #region web
await using web = await client.getStream(peer, 'Echo')
const packed = new Blob(['web streams']).stream().pipeThrough(new CompressionStream('gzip'))
const sending = packed.pipeTo(web.writable)
const unpacked = web.readable.pipeThrough(new DecompressionStream('gzip'))
console.log(await new Response(unpacked).text())
await sending
// #endregion

// #region signal
const listener = server.listen({
  async Report(stream) {
    try {
      await sleep(60_000, undefined, { signal: stream.signal }) // fetch, a query, a child process…
    } catch {
      console.log('stopped:', stream.signal.reason.code)
    }
  }
})

await using report = await client.getStream(peer, 'Report')
await report.text({ signal: AbortSignal.timeout(50) }).catch(error => console.log(error.name))
await report.close() // the caller leaves
// #endregion
await listener.close() // waits for the handler
