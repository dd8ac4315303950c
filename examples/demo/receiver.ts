import { createHash } from 'node:crypto'
import { Graceful, getEndpoint, type PeerStream, SecretKey } from 'fastn-net'
import { type Receipt, wholeFile } from './receipt.js'

const graceful = new Graceful({ signals: true })
process.once('disconnect', () => graceful.shutdown())

await using endpoint = await getEndpoint(SecretKey.generate(), { graceful })
console.log(`receiver  listens as ${endpoint.id52}`)
process.send?.(await endpoint.ticket())

let messages = 0
const listener = endpoint.listen(
  [
    ['AccountToAccount', onMessage],
    [wholeFile, onFile]
  ],
  { signal: graceful.cancelled }
)
await listener.closed

async function onMessage(stream: PeerStream): Promise<void> {
  await stream.finish(`${JSON.stringify(await receive(stream))}\n`)
  messages += 1
}

async function onFile(stream: PeerStream): Promise<void> {
  const receipt = await receive(stream)
  console.log(`receiver  took ${messages} messages and a file of ${receipt.bytes} bytes, SHA-256 ${receipt.sha256}`)
  await stream.finish(`${JSON.stringify(receipt)}\n`)
}

/** Reads to EOF with a single fixed-size buffer. */
async function receive(stream: PeerStream): Promise<Receipt> {
  const hash = createHash('sha256')
  const into = new Uint8Array(stream.protocol === 'AccountToAccount' ? 16 * 1024 : 256 * 1024)
  let bytes = 0
  for (let count = await stream.read({ into }); count !== null; count = await stream.read({ into })) {
    hash.update(into.subarray(0, count))
    bytes += count
  }
  return { bytes, sha256: hash.digest('hex') }
}
