import { type LineOptions, lineNames } from '../types.js'
import { checkOptions, positive } from '../util/validate.js'
import type { StreamCore } from './core.js'
import { unexpectedEnd } from './line-text.js'
import { ReadIterator } from './read-iterator.js'
import type { ReadHalf } from './reader.js'

/** The next line. */
export async function readLine(core: StreamCore, reader: ReadHalf, options: LineOptions): Promise<string> {
  const line = await reader.line(maxBytesOf(core, options), options.signal)
  if (line === null) throw unexpectedEnd(core, '')
  return line
}

/** All lines up to the end. */
export function linesOf(core: StreamCore, reader: ReadHalf, options: LineOptions): AsyncIterableIterator<string> {
  const maxBytes = maxBytesOf(core, options)
  const { signal } = options
  return new ReadIterator(
    owner => reader.lineOrLast(maxBytes, signal, owner),
    owner => reader.leave(owner)
  )
}

function maxBytesOf(core: StreamCore, options: LineOptions): number {
  const { maxBytes } = checkOptions(options, lineNames)
  return maxBytes === undefined ? core.connection.endpoint.options.maxLineBytes : positive(maxBytes, 'options.maxBytes')
}
