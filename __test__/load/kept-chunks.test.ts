// Memory retained by small chunks: of idle streams with a buffered byte, and of held chunks.
import test from 'ava'
import { getEndpoint, type PeerStream, SecretKey } from 'fastn-net'
import { collect } from './support/collect.js'

const MiB = 1024 * 1024

/** Bytes of all reachable array buffers. */
async function buffered(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise(setImmediate)
  }
  return process.memoryUsage().arrayBuffers
}

/** Memory retained by `count` streams after `read`. Between two of them, another stream reads chunks of all sizes. */
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

test.serial('400 idle streams with a byte after a line retain almost no memory', async t => {
  const bytes = await held(400, 'line\nx', stream => stream.nextString())
  t.log(`${(bytes / MiB).toFixed(2)} MiB`)
  t.true(bytes < 0.5 * MiB, `${(bytes / MiB).toFixed(2)} MiB`)
})

test.serial('400 held one-byte chunks retain no more than documented', async t => {
  const bytes = await held(400, 'x', stream => stream.read())
  t.log(`${(bytes / MiB).toFixed(2)} MiB`)
  t.true(bytes < 7 * MiB, `${(bytes / MiB).toFixed(2)} MiB`)
})
