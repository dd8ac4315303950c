import type { PeerStream, Protocol, StreamHandler } from 'fastn-net'
import { Both, Down, Half, Hold, Line, Reset, Up } from './protocols.js'

const block = new Uint8Array(64 * 1024).fill(42)

/** The protocols that every process of the soak serves. */
export const handlers: readonly (readonly [Protocol, StreamHandler])[] = [
  [Line, lines],
  [Up, async stream => stream.finish(`${await countBytes(stream)}\n`)],
  [Down, async stream => writeBytes(stream, Number(await stream.nextString()))],
  [
    Both,
    async stream => {
      for await (const chunk of stream) await stream.write(chunk)
    }
  ],
  [
    Half,
    async stream => {
      const bytes = await countBytes(stream)
      for (let part = 0; part < 5; part++) await stream.write(`${bytes}\n`)
    }
  ],
  [
    Reset,
    async stream => {
      await stream.nextString()
      stream.reset(7)
    }
  ],
  [Hold, async stream => void (await countBytes(stream))]
]

/** Echoes one line. */
export async function lines(stream: PeerStream): Promise<void> {
  await stream.finish(`${await stream.nextString()}\n`)
}

/** Writes this many bytes. */
export async function writeBytes(stream: PeerStream, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= block.length) await stream.write(block.subarray(0, left))
}

/** Reads to the end and returns the number of bytes. */
export async function countBytes(stream: PeerStream): Promise<number> {
  const into = new Uint8Array(64 * 1024)
  let bytes = 0
  for (let count = await stream.read({ into }); count !== null; count = await stream.read({ into })) bytes += count
  return bytes
}
