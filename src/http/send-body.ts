import type { PeerStream } from '../connection/connection.js'
import { isBytes } from '../util/bytes.js'
import { encoded, type Framing } from './head.js'

type Reader = ReadableStreamDefaultReader<unknown>

const none = new Uint8Array(0)
/** Microtask turns within which a body of text or bytes ends. Slower streams are sent incrementally. */
const turns = 24
/** Shorter chunks are copied into one write with their size. */
const joined = 16 * 1024
const lastChunk = '0\r\n\r\n'

/** Start of a body. `isWhole`: the body is complete. */
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

/** Reads a short, available body at once, so that its length can precede it. */
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
 * Sends a head and its body. `framing`: as declared in the head. `ends`: followed by the FIN.
 *
 * @throws Errors of the body or the stream. `TypeError` if the body's length differs from `framing`.
 */
export async function sendBody(
  stream: PeerStream,
  head: string,
  reader: Reader,
  start: BodyStart,
  framing: Framing,
  ends: boolean
): Promise<void> {
  let sent = 0
  // Precedes the next bytes: the head, or the end of the previous chunk.
  let before = head
  const send = async (bytes: Uint8Array) => {
    sent += bytes.length
    if (typeof framing === 'number' && sent > framing) throw wrongLength(framing)
    const prefix = framing === 'chunked' ? `${before}${bytes.length.toString(16)}\r\n` : before
    before = framing === 'chunked' ? '\r\n' : ''
    if (prefix !== '' && bytes.length <= joined) return await stream.write(encoded(prefix, bytes))
    if (prefix !== '') await stream.write(encoded(prefix))
    await stream.write(bytes)
  }
  if (start.bytes.length > 0) await send(start.bytes)
  else if (!start.isWhole) {
    // Send early, so that the peer does not wait for the body.
    await stream.write(encoded(before))
    before = ''
  }
  for (let next = start.next; next !== undefined; next = reader.read() as Promise<Result>) {
    const { done, value } = await next
    if (done) break
    const bytes = checked(value)
    if (bytes.length > 0) await send(bytes)
  }
  if (typeof framing === 'number' && sent !== framing) throw wrongLength(framing)
  const last = encoded(framing === 'chunked' ? `${before}${lastChunk}` : before)
  if (ends) await stream.finish(last)
  else if (last.length > 0) await stream.write(last)
}

function checked(value: unknown): Uint8Array {
  if (isBytes(value)) return value
  throw new TypeError('a body must consist of Uint8Arrays')
}

function wrongLength(length: number): TypeError {
  return new TypeError(`the body does not have the ${length} bytes that its Content-Length says`)
}
