import { createEndpoint } from 'fastn-net'
import { receiveTo, sendFrom, type TransferResult } from 'fastn-net/node'

const [from = '', to = ''] = process.argv.slice(2)
await using server = await createEndpoint()
await using client = await createEndpoint()

// #region transfer
server.listen({ File: async stream => stream.writeJson(await receiveTo(stream, to)) })

await using stream = await client.getStream(await server.ticket(), 'File')
const sent = await sendFrom(stream, from, { onProgress: ({ bytes, total }) => console.log(`${bytes} of ${total}`) })
const saved = await stream.json<TransferResult>()
console.log(saved.sha256 === sent.sha256 ? `saved ${saved.bytes} bytes` : 'the receiver saved other bytes')
// #endregion
