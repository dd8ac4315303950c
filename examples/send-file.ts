import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { createEndpoint } from 'fastn-net'
import { sendFrom, type TransferResult } from 'fastn-net/node'

const [ticket = '', file = ''] = process.argv.slice(2)
const endpoint = await createEndpoint()
const stream = await endpoint.getStream(ticket, 'File')
await stream.writeJson({ name: basename(file), size: (await stat(file)).size })
const sent = await sendFrom(stream, file, {
  onProgress: ({ bytes, total }) => console.log(`${bytes} of ${total} bytes`)
})
const saved = await stream.nextJson<TransferResult>()
if (saved.sha256 !== sent.sha256) throw new Error('the receiver saved other bytes')
console.log(`saved ${saved.bytes} bytes, SHA-256 ${saved.sha256}`)
