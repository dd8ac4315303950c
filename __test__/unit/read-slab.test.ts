import test from 'ava'
import fc from 'fast-check'
import { ReadSlab } from '../../dist/modules/stream/read-slab.js'

/** Reads like the addon: at most `count` bytes, and as many as fit. Each byte is its position in the input. */
function read(slab: ReadSlab, from: number, count: number): Uint8Array {
  slab.reserve()
  const read = Math.min(count, slab.into.length - slab.offset)
  for (let at = 0; at < read; at++) slab.into[slab.offset + at] = (from + at) % 251
  return slab.take(read)
}

const message = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 20_000 }),
  fc.integer({ min: 1, max: 600_000 })
)

test('pieces of any sizes keep their bytes, and share memory only as documented', t => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), messages => {
      const slab = new ReadSlab()
      const pieces: Uint8Array[] = []
      let position = 0
      for (const size of messages) {
        const end = position + size
        while (position < end) {
          const piece = read(slab, position, end - position)
          pieces.push(piece)
          position += piece.length
        }
      }
      const owned = pieces.every(({ length, buffer }) => buffer.byteLength === (length > 4096 ? length : 16_384))
      return owned && Buffer.concat(pieces).every((byte, at) => byte === at % 251)
    }),
    { numRuns: 30 }
  )
  t.pass()
})

test('a large message is read in few chunks', t => {
  const slab = new ReadSlab()
  read(slab, 0, 100)
  let pieces = 0
  for (let left = 1_000_000; left > 0; pieces++) left -= read(slab, 0, left).length
  t.true(pieces <= 6, `${pieces} pieces`)
})
