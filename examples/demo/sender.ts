import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { Line } from './line.js'
import { pieces } from './pieces.js'
import { type Receipt, wholeFile } from './receipt.js'

/** The first lines are sent sequentially and timed. The remaining lines are sent concurrently. */
const timed = 1000
const sideBySide = 64

const [ticket = '', file = ''] = process.argv.slice(2)
const fileWhole = await runDemo()
process.exitCode = fileWhole ? 0 : 1

async function runDemo(): Promise<boolean> {
  await using endpoint = await getEndpoint(SecretKey.generate())
  const lines = await sendLines(endpoint)
  const whole = await sendFile(endpoint)
  const good = whole && lines
  console.log(good ? 'sender    everything arrived whole' : 'sender    NOT everything arrived whole')
  return good
}

/** Sends each line of the file on its own stream. */
async function sendLines(endpoint: Endpoint): Promise<boolean> {
  const times: number[] = []
  const inFlight = new Set<Promise<void>>()
  let current: Line | undefined
  let sent = 0
  let whole = 0

  for await (const piece of pieces(createReadStream(file))) {
    current ??= new Line(endpoint, ticket, sent + 1)
    if (!piece.ends) {
      await current.write(piece.bytes)
      continue
    }
    const line = current
    current = undefined
    sent += 1
    const alone = sent <= timed
    const exchange = line.finish(piece.bytes).then(({ milliseconds, good }) => {
      if (alone) times.push(milliseconds)
      if (good) whole += 1
    })
    inFlight.add(exchange)
    const over = () => inFlight.delete(exchange)
    exchange.then(over, over)
    if (alone) await exchange
    else if (inFlight.size >= sideBySide) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)

  times.sort((a, b) => a - b)
  const [min, median, max] = [0, 0.5, 1].map(part => times[Math.round(part * (times.length - 1))]?.toFixed(2))
  console.log(`sender    ${whole} of ${sent} lines arrived whole`)
  if (sent > 0) console.log(`sender    round trip of a line: min ${min} ms, median ${median} ms, max ${max} ms`)
  return whole === sent
}

/** Sends the whole file on one stream. */
async function sendFile(endpoint: Endpoint): Promise<boolean> {
  await using source = await open(file)
  await using stream = await endpoint.getStream(ticket, wholeFile)
  const hash = createHash('sha256')
  const buffer = new Uint8Array(1024 * 1024)
  const started = performance.now()
  let bytes = 0
  for (;;) {
    const { bytesRead } = await source.read(buffer)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    const written = stream.write(chunk)
    hash.update(chunk)
    bytes += bytesRead
    await written
  }
  await stream.finish()
  const reply = await stream.nextJson<Receipt>()
  const seconds = (performance.now() - started) / 1000

  const sha256 = hash.digest('hex')
  const rate = bytes / 2 ** 20 / seconds
  console.log(`sender    sent the file of ${bytes} bytes, SHA-256 ${sha256}`)
  console.log(
    `sender    the file took ${(seconds * 1000).toFixed(1)} ms: ${rate.toFixed(1)} MiB/s, hashing on both sides included`
  )
  return reply.bytes === bytes && reply.sha256 === sha256
}
