import { FastnNetError } from '../errors.js'
import type { StreamCore } from './core.js'
import type { LineReader } from './line-reader.js'

// What becomes of a line's bytes: its text, or an error.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of a line that was taken. `ended`: a newline stood behind it. The bytes go back where they are not UTF-8. */
export function decode(core: StreamCore, lines: LineReader, line: Uint8Array, ended: boolean): string {
  try {
    return strict.decode(line)
  } catch (cause) {
    lines.putBack(line, ended)
    throw new FastnNetError('ERR_UTF8', 'the line is not UTF-8: read it as bytes', { ...core.context('read'), cause })
  }
}

/** Fails with the text that stands before an unexpected end. */
export function endInLine(core: StreamCore, lines: LineReader): never {
  throw unexpectedEnd(core, lenient.decode(lines.peekRest()))
}

/** `ERR_UNEXPECTED_END`, with the text before the end. */
export function unexpectedEnd(core: StreamCore, partial: string): FastnNetError {
  return new FastnNetError(
    'ERR_UNEXPECTED_END',
    partial === '' ? 'the stream ended where a line was expected' : 'the stream ended in the middle of a line',
    { ...core.context('read'), partial }
  )
}

/** `ERR_LINE_TOO_LONG`. */
export function tooLong(core: StreamCore, maxBytes: number): FastnNetError {
  return new FastnNetError(
    'ERR_LINE_TOO_LONG',
    `the line has more than ${maxBytes} bytes: raise maxBytes, or read it as bytes`,
    core.context('read')
  )
}
