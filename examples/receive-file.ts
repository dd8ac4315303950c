import { basename, join } from 'node:path'
import { createEndpoint } from 'fastn-net'
import { receiveTo } from 'fastn-net/node'

const [folder = '.'] = process.argv.slice(2)
const endpoint = await createEndpoint({ graceful: true })
endpoint.listen({
  async File(stream) {
    const { name, size } = await stream.nextJson<{ name: string; size: number }>()
    // The peer chooses the name. Without `basename` it could write outside the folder.
    const path = join(folder, basename(name))
    // A file that is not complete never gets its name.
    const saved = await receiveTo(stream, path, { total: size, maxBytes: 10_000_000_000 })
    console.log(`${path}: ${saved.bytes} bytes, SHA-256 ${saved.sha256}`)
    await stream.writeJson(saved)
  }
})
console.log(await endpoint.ticket())
