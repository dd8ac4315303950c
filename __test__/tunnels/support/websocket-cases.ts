// Frames that a WebSocket server must handle, in the order of the Autobahn test suite. A case sends frames or messages; the answers are
// compared with those without a tunnel.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { pattern } from '../../helpers/pair.js'

/** A connection whose bytes can be written directly too. */
export interface Raw {
  readonly client: WebSocket
  readonly socket: Socket
}

/** The frames or messages of a client. */
export interface Case {
  readonly title: string
  play(raw: Raw): void | Promise<void>
  /** Code with which the server closes. Default: the client closes with 1000. */
  readonly code?: number
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Encodes a client's frame. */
function frame(
  opcode: keyof typeof opcodes | number,
  payload: string | Uint8Array = '',
  { isLast = true, reserved = 0 } = {}
): Buffer {
  const data = Buffer.from(payload as Uint8Array)
  const code = typeof opcode === 'number' ? opcode : opcodes[opcode]
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | code
  const length = Buffer.alloc(data.length < 126 ? 1 : data.length < 65_536 ? 3 : 9)
  if (data.length < 126) length[0] = data.length
  else if (data.length < 65_536) length.writeUInt16BE(data.length, 1)
  else length.writeBigUInt64BE(BigInt(data.length), 1)
  if (data.length >= 126) length[0] = data.length < 65_536 ? 126 : 127
  length[0]! |= 0x80
  const mask = randomBytes(4)
  for (const at of data.keys()) data[at]! ^= mask[at % 4]!
  return Buffer.concat([Buffer.from([first]), length, mask, data])
}

function closeFrame(code: number, reason: string | Uint8Array = ''): Buffer {
  return frame('close', Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason as Uint8Array)]))
}

/** A case of frames that are written unchanged. */
function raw(title: string, frames: readonly Buffer[], code?: number): Case {
  return {
    title,
    play: ({ socket }) => void socket.write(Buffer.concat(frames)),
    ...(code !== undefined && { code })
  }
}

function messages(title: string, all: readonly (string | Uint8Array)[]): Case {
  return {
    title,
    play({ client }) {
      for (const message of all) client.send(message)
    }
  }
}

const more = { isLast: false }
const umlauts = Buffer.from('Grüße, κόσμε, 🙂')
const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536]

const echoed = [
  messages(
    'texts of each form of length',
    sizes.map(size => '*'.repeat(size))
  ),
  messages('binary messages of each form of length', sizes.map(pattern)),
  messages('a text of 16 MiB', ['x'.repeat(16 * 1024 * 1024)]),
  messages('a binary message of 16 MiB', [pattern(16 * 1024 * 1024)]),
  messages(
    'many small messages',
    Array.from({ length: 2_000 }, (_, at) => `${at}`)
  )
]

const pings = [
  raw('pings, empty and of 125 bytes', [frame('ping'), frame('ping', pattern(125))]),
  raw(
    'ten pings',
    Array.from({ length: 10 }, (_, at) => frame('ping', `ping ${at}`))
  ),
  raw('an unsolicited pong', [frame('pong', 'hello'), frame('ping', 'after it')]),
  raw('a ping of 126 bytes', [frame('ping', pattern(126))], 1002),
  raw('a ping in fragments', [frame('ping', 'a', more)], 1002)
]

const reserved = [
  ...[1, 2, 4, 7].map(bits => raw(`reserved bits ${bits}`, [frame('text', 'hello', { reserved: bits })], 1002)),
  ...[3, 7, 11, 15].map(code => raw(`reserved opcode ${code}`, [frame(code, 'hello')], 1002))
]

const fragments = [
  raw('a text in fragments', [
    frame('text', 'one ', more),
    frame('continuation', 'two ', more),
    frame('continuation', 'three')
  ]),
  raw('a ping between fragments', [
    frame('text', 'one ', more),
    frame('ping', 'between'),
    frame('continuation', 'two')
  ]),
  raw('empty fragments', [frame('text', '', more), frame('continuation', '', more), frame('continuation')]),
  raw('a continuation without a start', [frame('continuation', 'hello')], 1002),
  raw('a start within a message', [frame('text', 'one', more), frame('text', 'two')], 1002),
  raw('a message of 1,000 fragments', [
    frame('binary', 'x', more),
    ...Array.from({ length: 998 }, () => frame('continuation', pattern(1_000), more)),
    frame('continuation', 'y')
  ]),
  {
    title: 'a frame byte by byte',
    async play({ socket }) {
      for (const byte of frame('text', umlauts)) {
        await new Promise(resolve => socket.write(Buffer.from([byte]), resolve))
      }
    }
  } satisfies Case
]

const texts = [
  raw('a text whose characters are split', [
    frame('text', umlauts.subarray(0, 3), more),
    frame('continuation', umlauts.subarray(3))
  ]),
  ...[
    ['a byte that UTF-8 has not', 'ff'],
    ['an overlong form', 'c0af'],
    ['a surrogate', 'eda080'],
    ['a character above U+10FFFF', 'f4908080'],
    ['half a character', 'ceba e1bd'.replace(' ', '')]
  ].map(([title, hex]) => raw(`a text with ${title}`, [frame('text', Buffer.from(hex!, 'hex'))], 1007)),
  raw(
    'a text whose second fragment is wrong',
    [frame('text', 'fine', more), frame('continuation', Buffer.from('ff', 'hex'))],
    1007
  )
]

const closes = [
  ...[1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999].map(code =>
    raw(`close with ${code}`, [closeFrame(code, `because of ${code}`)], code)
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 2999, 5000].map(code => raw(`close with ${code}`, [closeFrame(code)], 1002)),
  raw('close without a code', [frame('close')], 1005),
  raw('close with half a code', [frame('close', 'x')], 1002),
  raw('close with a reason of 123 bytes', [closeFrame(1000, 'x'.repeat(123))], 1000),
  raw('close with a reason that is too long', [closeFrame(1000, 'x'.repeat(124))], 1002),
  raw('close with a reason that is no UTF-8', [closeFrame(1000, Buffer.from('ceff', 'hex'))], 1007),
  raw('a message behind close', [closeFrame(1000), frame('text', 'late')], 1000)
]

/** Cases without compression. */
export const cases: readonly Case[] = [...echoed, ...pings, ...reserved, ...fragments, ...texts, ...closes]

const repeated = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => ({ at, text: 'the same again' })))

/** Cases with permessage-deflate. */
export const compressedCases: readonly Case[] = [
  ...echoed,
  messages('texts that compress well', ['a'.repeat(100_000), repeated, repeated]),
  messages(
    'bytes that do not compress',
    [randomBytes(1_000), randomBytes(1_000_000)].map(bytes => Buffer.from(bytes.toString('hex')))
  ),
  raw('a compressed frame that is none', [frame('text', Buffer.from('ffffffff', 'hex'), { reserved: 4 })], 1007)
]
