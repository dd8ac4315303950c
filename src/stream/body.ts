import { FastnNetError } from '../errors.js'
import { defaults } from '../settings.js'
import { type BodyOptions, bodyNames } from '../types.js'
import { checkOptions, positive } from '../util/validate.js'
import { decode } from './line-text.js'
import type { ReadHalf } from './reader.js'
import type { StreamState } from './stream-state.js'

/** All bytes to EOF, in a buffer of their own. */
export async function readBytes(reader: ReadHalf, options: BodyOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes = defaults.maxBodyBytes, signal } = checkOptions(options, bodyNames)
  const bytes = await reader.rest(positive(maxBytes, 'options.maxBytes'), signal)
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice()
}

/** All bytes to EOF, as text. */
export async function readText(state: StreamState, reader: ReadHalf, options: BodyOptions): Promise<string> {
  const bytes = await readBytes(reader, options)
  return decode(state, reader, bytes, false, 'the text')
}

/** All bytes to EOF, as JSON. */
export async function readJson<T>(state: StreamState, reader: ReadHalf, options: BodyOptions): Promise<T> {
  const text = await readText(state, reader, options)
  if (text === '')
    throw new FastnNetError('ERR_JSON', 'nothing was sent: the stream is empty, not JSON', state.context('read'))
  return parseJson(state, text, 'the text')
}

/** Parses a text that was read. `what` names it. */
export function parseJson<T>(state: StreamState, text: string, what: string): T {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new FastnNetError('ERR_JSON', `${what} is not JSON`, { ...state.context('read'), cause })
  }
}
