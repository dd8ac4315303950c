import test from 'ava'
import fc from 'fast-check'
import { ReadBuffer } from '../../dist/modules/stream/read-buffer.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (line: Uint8Array | string) => (typeof line === 'string' ? line : new TextDecoder().decode(line))

/** Splits bytes at these offsets. */
function pieces(whole: Uint8Array<ArrayBuffer>, cuts: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const places = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, at) => whole.subarray(from, [...places, whole.length][at]))
}

const lineText = fc.string({ unit: fc.constantFrom('a', 'ß', '\r', ' ', '€', '0') })

test('lines are unchanged, wherever the chunks are split', t => {
  fc.assert(
    fc.property(fc.array(lineText), fc.array(fc.nat()), (lines, cuts) => {
      const buffer = new ReadBuffer()
      const found: string[] = []
      for (const piece of pieces(bytes(lines.map(line => `${line}\n`).join('')), cuts)) {
        buffer.push(piece)
        for (let line = buffer.takeLine(1e6); line !== 'more'; line = buffer.takeLine(1e6)) found.push(text(line))
      }
      return JSON.stringify(found) === JSON.stringify(lines) && buffer.size === 0
    })
  )
  t.pass()
})

test('lines and bytes that are read in any order add up to the input', t => {
  const step = fc.oneof(fc.constant('line' as const), fc.constant('chunk' as const), fc.integer({ min: 1, max: 9 }))
  fc.assert(
    fc.property(fc.array(lineText), fc.array(fc.nat()), fc.array(step), (lines, cuts, steps) => {
      const whole = bytes(lines.join('\n'))
      const buffer = new ReadBuffer()
      for (const piece of pieces(whole, cuts)) buffer.push(piece)
      const taken: Uint8Array[] = []
      for (const kind of steps) {
        if (kind === 'chunk') taken.push(buffer.takeChunk() ?? new Uint8Array())
        else if (kind === 'line') {
          const line = buffer.takeLine(1e6)
          if (typeof line !== 'string') taken.push(line, bytes('\n'))
        } else {
          const into = new Uint8Array(kind)
          taken.push(into.subarray(0, buffer.takeInto(into)))
        }
      }
      taken.push(buffer.joinRest())
      return Buffer.concat(taken).equals(whole)
    })
  )
  t.pass()
})

test('a line of maxBytes passes and one more byte fails, with or without a newline', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: -3, max: 3 }),
      fc.boolean(),
      fc.array(fc.nat()),
      (max, more, ended, cuts) => {
        const length = Math.max(max + more, 0)
        const buffer = new ReadBuffer()
        for (const piece of pieces(bytes('x'.repeat(length) + (ended ? '\n' : '')), cuts)) buffer.push(piece)
        const line = buffer.takeLine(max)
        if (length > max) return line === 'too-long' && buffer.size === length + (ended ? 1 : 0)
        return ended ? text(line).length === length : line === 'more'
      }
    )
  )
  t.pass()
})

test('bytes that are put back are read first', t => {
  const buffer = new ReadBuffer()
  buffer.push(bytes('one\ntwo\n'))
  buffer.putBack(buffer.takeLine(10) as Uint8Array, true)
  t.is(text(buffer.takeLine(10)), 'one')
  t.is(text(buffer.takeLine(10)), 'two')
})

test('a line that arrives byte by byte takes linear time', t => {
  const buffer = new ReadBuffer()
  const length = 1_000_000
  const byte = bytes('x')
  let early = 0
  for (let at = 0; at < length; at++) {
    buffer.push(byte)
    if (buffer.takeLine(length) !== 'more') early++
  }
  buffer.push(bytes('\n'))
  t.is(early, 0)
  t.is((buffer.takeLine(length) as Uint8Array).length, length)
})
