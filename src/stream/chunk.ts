import { FastnNetError } from '../errors.js'
import { isBytes, isDetached, isShared } from '../util/bytes.js'

// Checks the chunks that callers write, and the buffers that they read into.
const encoder = new TextEncoder()
// Short strings are encoded here: the addon has copied them when it returns.
const scratch = new Uint8Array(16 * 1024)
/** An empty chunk that is known to be good. */
export const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)

/** A string as UTF-8. A short one stays valid until the next call only: see {@link owned}. */
export function encode(text: string): Uint8Array {
  // A UTF-16 unit takes three bytes at most.
  if (text.length * 3 > scratch.length) return encoder.encode(text)
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written)
}

export function isEmpty(chunk: Uint8Array | string | undefined): boolean {
  return chunk === undefined || chunk === '' || (isBytes(chunk) && chunk.length === 0)
}

/** The same bytes in memory that outlives the present call. */
export function owned(bytes: Uint8Array): Uint8Array {
  return bytes.buffer === scratch.buffer ? bytes.slice() : bytes
}

/** Why the chunk cannot be written, or `null`. */
export function problemOf(chunk: Uint8Array | string): string | null {
  if (typeof chunk === 'string') return null
  if (!isBytes(chunk)) return 'must be a Uint8Array or a string: writeJson sends other values'
  if (chunk !== noBytes && isDetached(chunk)) return 'must not be detached'
  return isShared(chunk) ? 'must not be shared memory' : null
}

export function checkChunk(chunk: Uint8Array): Uint8Array {
  const problem = problemOf(chunk)
  if (problem !== null) throw notAChunk(problem)
  return chunk
}

export function notAChunk(problem: string): FastnNetError {
  return new FastnNetError('ERR_INVALID_ARGUMENT', `chunk ${problem}`, { phase: 'write' })
}

/** Checks the buffer that a read is to fill. */
export function checkInto(into: Uint8Array): void {
  const problem = !isBytes(into)
    ? 'must be a Uint8Array'
    : isShared(into)
      ? 'must not be shared memory'
      : into.length === 0
        ? 'must not be empty or detached'
        : null
  if (problem !== null) throw new FastnNetError('ERR_INVALID_ARGUMENT', `options.into ${problem}`, { phase: 'read' })
}
