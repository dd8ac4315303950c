import { Buffer } from 'node:buffer'
import type { PeerStream } from '../connection/connection.js'
import { isBytes } from '../util/bytes.js'
import { encoded } from './head.js'

type Reader = ReadableStreamDefaultReader<unknown>

const none = new Uint8Array(0)
/** Turns of the microtask queue in which a body of text or bytes ends. A stream that takes longer is sent as it comes. */
const turns = 24
/** A shorter chunk is copied into one write with its size. */
const joined = 16 * 1024
const lastChunk = '0\r\n\r\n'

/** What a body begins with. `isWhole`: it has no more. */
export interface BodyStart {
  readonly bytes: Uint8Array
  readonly isWhole: boolean
  /** The read that follows `bytes`. */
  readonly next: Promise<Result> | undefined
}

type Result = { readonly done: boolean; readonly value?: unknown }

/** Whether a promise settles within a few turns of the microtask queue. */
export async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  const state = { isSettled: false }
  const settled = () => {
    state.isSettled = true
  }
  promise.then(settled, settled)
  for (let turn = 0; turn < turns && !state.isSettled; turn++) await undefined
  return state.isSettled
}

/** Takes a body whole if it is short and at hand, so that its length can precede it. */
export async function startOf(reader: Reader): Promise<BodyStart> {
  const first = reader.read() as Promise<Result>
  if (!(await settlesSoon(first))) return { bytes: none, isWhole: false, next: first }
  const { done, value } = await first
  if (done) return { bytes: none, isWhole: true, next: undefined }
  const bytes = checked(value)
  const second = reader.read() as Promise<Result>
  if (!(await settlesSoon(second))) return { bytes, isWhole: false, next: second }
  const end = await second
  return end.done ? { bytes, isWhole: true, next: undefined } : { bytes, isWhole: false, next: Promise.resolve(end) }
}

/**
 * Sends a head and the rest of a body behind it. `length`: as the head says; undefined: the body is chunked. Leaves the sending half
 * open.
 *
 * @throws What the body or the stream fails with. `TypeError` if the body's length is not `length`.
 */
export async function sendBody(
  stream: PeerStream,
  head: string,
  reader: Reader,
  start: BodyStart,
  length: number | undefined
): Promise<void> {
  let sent = 0
  let before = head
  const send = async (bytes: Uint8Array) => {
    sent += bytes.length
    if (length !== undefined && sent > length) throw wrongLength(length)
    await (length === undefined ? sendChunk(stream, before, bytes) : stream.write(encoded(before, bytes)))
    before = ''
  }
  if (start.bytes.length > 0) await send(start.bytes)
  else if (!start.isWhole) {
    await stream.write(encoded(head))
    before = ''
  }
  for (let next = start.next; next !== undefined; next = reader.read() as Promise<Result>) {
    const { done, value } = await next
    if (done) break
    const bytes = checked(value)
    if (bytes.length > 0) await send(bytes)
  }
  if (length !== undefined && sent !== length) throw wrongLength(length)
  if (length === undefined) await stream.write(encoded(before + lastChunk))
  else if (before !== '') await stream.write(encoded(before))
}

async function sendChunk(stream: PeerStream, before: string, bytes: Uint8Array): Promise<void> {
  const size = `${before}${bytes.length.toString(16)}\r\n`
  if (bytes.length <= joined) {
    const all = Buffer.allocUnsafeSlow(size.length + bytes.length + 2)
    all.write(size, 'latin1')
    all.set(bytes, size.length)
    all.write('\r\n', size.length + bytes.length, 'latin1')
    return await stream.write(all)
  }
  await stream.write(encoded(size))
  await stream.write(bytes)
  await stream.write('\r\n')
}

function checked(value: unknown): Uint8Array {
  if (isBytes(value)) return value
  throw new TypeError('a body must consist of Uint8Arrays')
}

function wrongLength(length: number): TypeError {
  return new TypeError(`the body does not have the ${length} bytes that its Content-Length says`)
}
