import { FastnNetError } from '../errors.js'
import type { ReadBuffer } from './read-buffer.js'
import type { StreamState } from './stream-state.js'

// Converts a line's bytes to its text, or to an error.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/** What takes bytes back. */
interface PutBack {
  putBack(bytes: Uint8Array, ended: boolean): void
}

/** The text of bytes that were taken. `ended`: a newline stood behind them. Bytes that are not UTF-8 go back. `what` names them. */
export function decode(
  state: StreamState,
  from: PutBack,
  bytes: Uint8Array,
  ended: boolean,
  what = 'the line'
): string {
  try {
    return strict.decode(bytes)
  } catch (cause) {
    from.putBack(bytes, ended)
    throw new FastnNetError('ERR_UTF8', `${what} is not UTF-8: read it as bytes`, { ...state.context('read'), cause })
  }
}

/** Fails with the text that stands before an unexpected end. */
export function endInLine(state: StreamState, buffer: ReadBuffer): never {
  throw unexpectedEnd(state, lenient.decode(buffer.joinRest()))
}

/** `ERR_UNEXPECTED_END`, with the text before the end. */
export function unexpectedEnd(state: StreamState, partial: string): FastnNetError {
  return new FastnNetError(
    'ERR_UNEXPECTED_END',
    partial === '' ? 'the stream ended where a line was expected' : 'the stream ended in the middle of a line',
    { ...state.context('read'), partial }
  )
}

/** `ERR_LINE_TOO_LONG`. */
export function tooLong(state: StreamState, maxBytes: number): FastnNetError {
  return new FastnNetError(
    'ERR_LINE_TOO_LONG',
    `the line has more than ${maxBytes} bytes: raise maxBytes, or read it as bytes`,
    state.context('read')
  )
}

/** `ERR_TOO_LARGE`. */
export function tooLarge(state: StreamState, maxBytes: number): FastnNetError {
  return new FastnNetError(
    'ERR_TOO_LARGE',
    `the peer sends more than ${maxBytes} bytes: raise maxBytes, or read them in pieces`,
    state.context('read')
  )
}
