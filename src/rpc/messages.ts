import { FastnNetError, type FastnNetErrorOptions, type SchemaIssue } from '../errors.js'
import { jsonText } from '../util/json-text.js'

// The lines of docs/wire.md, Requests. Towards older peers, a request and its answer are bare JSON instead.

/** Hint in errors about an unexpected answer. */
export const perhapsListen = ': perhaps its protocol is served with listen, not serve'

/** Subject of errors. Its context is read only for an error. */
export interface Subject {
  readonly context: FastnNetErrorOptions
}

/** First line of a request. */
export interface RequestLine {
  /** The input; absent for `undefined`, and where items follow. */
  readonly input?: unknown
  /** Milliseconds within which the answer must begin. */
  readonly timeout?: number | undefined
  /** Items follow, one a line. */
  readonly stream?: true | undefined
}

/** First line of an answer. Without a member: success with `undefined`. */
export interface AnswerLine {
  readonly ok?: unknown
  /** An object: what the handler threw. A string: why the library refused the request. */
  readonly error?: unknown
  /** Items follow, one a line. */
  readonly stream?: unknown
  /** With a refusal: for people. */
  readonly message?: unknown
  /** With the refusal `schema`. */
  readonly issues?: unknown
}

/** A line behind `stream`. */
export interface ItemLine {
  readonly item?: unknown
  /** The last item was sent. */
  readonly end?: unknown
  /** Error that the sender's iterable threw. */
  readonly error?: unknown
}

/** An error as it travels. */
export interface WireError {
  readonly message: string
  readonly name?: string | undefined
  readonly code?: string | undefined
  readonly data?: unknown
  readonly stack?: string | undefined
}

/** Why the library of a serving peer refuses a request. */
export type RequestRefusal = 'busy' | 'invalid' | 'schema' | 'too-large' | 'unsupported'

export const streamLine = '{"stream":true}\n'
export const endLine = '{"end":true}\n'

/** A program's value in a message, by the name that begins its path in errors. */
const valueNames = {
  input: 'the input',
  result: "the handler's result",
  item: 'an item',
  request: 'the request'
} as const
type ValueName = keyof typeof valueNames

/**
 * Writes a message as one line. `value` is the program's part of it, which errors call `name`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for a value that JSON cannot represent. `ERR_LINE_TOO_LONG`.
 */
export function lineOf(message: unknown, value: unknown, name: ValueName, maxBytes: number, about: Subject): string {
  const what = valueNames[name]
  let text = jsonText(message, value, name, (why, cause) => {
    const error = `${what} cannot be written as JSON: ${why}`
    return new FastnNetError('ERR_INVALID_ARGUMENT', error, { ...about.context, ...cause })
  })
  // Only bare JSON of older peers: undefined.
  text ??= 'null'
  // UTF-8 takes at most three bytes for each unit of UTF-16.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)
    throw new FastnNetError(
      'ERR_LINE_TOO_LONG',
      `${what} has more than ${maxBytes} bytes as JSON: send it in parts, as items or on a stream, or raise maxBytes on both sides`,
      about.context
    )
  return `${text}\n`
}

/**
 * Parses a line that must be a JSON object.
 *
 * @throws {FastnNetError} `ERR_JSON`.
 */
export function parseObject<Line extends object>(text: string, what: string, about: Subject): Line {
  const value = parseJson(text, what, about)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Line
  throw new FastnNetError('ERR_JSON', `the peer's ${what} is not a JSON object${adviceOn(what)}`, about.context)
}

/**
 * Parses a line.
 *
 * @throws {FastnNetError} `ERR_JSON`.
 */
export function parseJson(text: string, what: string, about: Subject): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FastnNetError('ERR_JSON', `the peer's ${what} is not JSON${adviceOn(what)}`, { ...about.context, cause })
  }
}

function adviceOn(what: string): string {
  return what === 'answer' ? perhapsListen : ''
}

/** A refusal as it travels. */
export function refusalLine(error: RequestRefusal, message: string, issues?: readonly SchemaIssue[]): string {
  return `${JSON.stringify({ error, message, issues })}\n`
}
