import { type LineOptions, lineNames } from '../types.js'
import { checkOptions, positive } from '../util/validate.js'
import { unexpectedEnd } from './line-text.js'
import { ReadIterator } from './read-iterator.js'
import type { ReadHalf } from './reader.js'
import type { StreamState } from './stream-state.js'

/** The next line. */
export async function readLine(state: StreamState, reader: ReadHalf, options: LineOptions): Promise<string> {
  const line = await reader.line(maxBytesOf(state, options), options.signal)
  if (line === null) throw unexpectedEnd(state, '')
  return line
}

/** All lines up to the end. */
export function linesOf(state: StreamState, reader: ReadHalf, options: LineOptions): AsyncIterableIterator<string> {
  const maxBytes = maxBytesOf(state, options)
  const { signal } = options
  return new ReadIterator(
    owner => reader.lineOrLast(maxBytes, signal, owner),
    owner => reader.leave(owner)
  )
}

function maxBytesOf(state: StreamState, options: LineOptions): number {
  const { maxBytes } = checkOptions(options, lineNames)
  return maxBytes === undefined
    ? state.connection.endpoint.options.maxLineBytes
    : positive(maxBytes, 'options.maxBytes')
}
