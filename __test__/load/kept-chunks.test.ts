// What small pieces keep in memory: of streams that are idle with a byte buffered, and of chunks that somebody holds.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { getEndpoint, type PeerStream, SecretKey } from 'fastn-net'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const MiB = 1024 * 1024

/** Bytes of all array buffers that are reachable. */
async function buffered(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise(setImmediate)
  }
  return process.memoryUsage().arrayBuffers
}

/** What `count` streams hold whose `read` has given what was sent; between each two of them chunks of all sizes are read from another. */
async function held(count: number, send: string, read: (stream: PeerStream) => Promise<unknown>): Promise<number> {
  const options = { network: 'loopback', maxStreams: count + 1 } as const
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  const next = async () => {
    const stream = await client.getStream(server.address(), 'Tcp')
    return [stream, (await incoming.next()).value as PeerStream] as const
  }
  const [busy, other] = await next()
  const pieces = Array.from({ length: 32 }, (_, round) => new Uint8Array(round % 2 === 0 ? 15_000 : 2_000))
  const kept: unknown[] = []
  const before = await buffered()
  for (let at = 0; at < count; at++) {
    for (const piece of pieces) {
      await busy.write(piece)
      for (let got = 0; got < piece.length; ) got += (await other.read())?.length ?? piece.length
    }
    const [mine, theirs] = await next()
    await mine.write(send)
    kept.push(mine, theirs, await read(theirs))
  }
  const bytes = (await buffered()) - before
  await Promise.all([client.close(), server.close()])
  kept.length = 0
  return bytes
}

test.serial('400 idle streams with a byte behind a line keep next to nothing', async t => {
  const bytes = await held(400, 'line\nx', stream => stream.nextString())
  t.log(`${(bytes / MiB).toFixed(2)} MiB`)
  t.true(bytes < 0.5 * MiB, `${(bytes / MiB).toFixed(2)} MiB`)
})

test.serial('400 held chunks of a byte keep at most what the documentation says', async t => {
  const bytes = await held(400, 'x', stream => stream.read())
  t.log(`${(bytes / MiB).toFixed(2)} MiB`)
  t.true(bytes < 7 * MiB, `${(bytes / MiB).toFixed(2)} MiB`)
})
