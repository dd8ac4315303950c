import { createEndpoint, Protocol } from 'fastn-net'

await using server = await createEndpoint()
await using client = await createEndpoint()
const peer = await server.ticket()

// #region listen
server.listen({
  async Upper(stream) {
    for await (const line of stream.lines()) await stream.writeLine(line.toUpperCase())
  },
  async Count(stream) {
    const bytes = await stream.bytes()
    await stream.writeJson({ bytes: bytes.length })
  }
})

await using upper = await client.getStream(peer, 'Upper')
await upper.finish('one\ntwo\n')
for await (const line of upper.lines()) console.log(line) // ONE TWO
// #endregion

// #region versions
const chat = (version: number) => Protocol.generic({ name: 'Chat', version })

server.listen([
  [chat(1), stream => stream.finish('hello from version 1')],
  [chat(2), stream => stream.finish('hello from version 2')]
])

await using newest = await client.getStream(peer, chat(2))
console.log(await newest.text())
// #endregion

// #region fallback
const any = server.listen([], {
  fallback: stream => stream.finish(`nothing here for ${JSON.stringify(stream.protocol)}`)
})
await any.ready

await using unknown = await client.getStream(peer, 'Weather')
console.log(await unknown.text())
// #endregion

// #region many
const answers = await Promise.all(
  Array.from({ length: 200 }, async (_, index) => {
    await using stream = await client.getStream(peer, 'Count')
    await stream.finish('x'.repeat(index))
    return await stream.json<{ bytes: number }>()
  })
)
console.log(answers.length, answers[199])
// #endregion
