import { FastnNetError, type FastnNetErrorCode, type FastnNetErrorOptions } from '../errors.js'
import { printable, printableLines } from '../util/display.js'
import type { RequestRefusal, Subject, WireError } from './messages.js'
import { receivedIssues, schemaError } from './validation.js'

const refusals: Readonly<Record<RequestRefusal, FastnNetErrorCode>> = {
  busy: 'ERR_BUSY',
  invalid: 'ERR_JSON',
  schema: 'ERR_SCHEMA',
  'too-large': 'ERR_LINE_TOO_LONG',
  unsupported: 'ERR_PROTOCOL_UNSUPPORTED'
}

/** The error code of the refusal of a request. The words of refused streams are in the core. */
export function codeOfRequestRefusal(refusal: RequestRefusal): FastnNetErrorCode {
  return refusals[refusal]
}

/** How an error is sent. */
export interface ErrorLineOptions {
  /** Whether the stack trace leaves this machine. */
  readonly withStack: boolean
  readonly tagged: boolean
  readonly maxBytes: number
}

/**
 * The line for whatever a handler threw. Never throws. An error that is too long for a line is sent without its data, its texts cut, and
 * says so: the caller would reject the whole line.
 */
export function errorLine(thrown: unknown, { withStack, tagged, maxBytes }: ErrorLineOptions): string {
  const told = wireError(thrown, withStack)
  const lineOf = (error: WireError) => JSON.stringify(tagged ? { error } : error)
  let line: string | undefined
  try {
    line = lineOf(told)
  } catch {
    // Longer than a string can be, or deeper than JSON reaches inside this line.
  }
  if (line === undefined || Buffer.byteLength(line) > maxBytes) line = lineOf(shortened(told, maxBytes))
  return `${line}\n`
}

function shortened({ message, name, code, stack }: WireError, maxBytes: number): WireError {
  // JSON takes at most six bytes for a unit of UTF-16; 256 are for the rest of the line.
  const room = Math.min(Math.max(Math.floor((maxBytes - 256) / 4 / 6), 16), 4096)
  const note = `(cut, and its data left out: longer than ${maxBytes} bytes)`
  return {
    message: `${message.slice(0, room)} ${note}`,
    name: name?.slice(0, room),
    code: code?.slice(0, room),
    stack: stack?.slice(0, room)
  }
}

/**
 * Whatever a handler threw, as it travels. Never throws: what cannot be read or written as JSON is left out.
 *
 * @param withStack Whether the stack trace leaves this machine.
 */
function wireError(thrown: unknown, withStack: boolean): WireError {
  if (typeof thrown === 'string') return { message: thrown, data: thrown }
  if (typeof thrown !== 'object' || thrown === null)
    return { message: `the handler threw ${shown(thrown)}`, data: jsonOrNothing(thrown) }
  const [name, message, code, data, stack] = fields.map(field => read(thrown, field))
  const hasMessage = typeof message === 'string'
  return {
    message: hasMessage ? message : 'the handler threw an object',
    name: typeof name === 'string' ? name : undefined,
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : undefined,
    // An object that is no error is all data.
    data: jsonOrNothing(hasMessage ? data : thrown),
    stack: withStack && typeof stack === 'string' ? stack : undefined
  }
}

const fields = ['name', 'message', 'code', 'data', 'stack'] as const

// A getter may throw.
function read(object: object, field: string): unknown {
  try {
    return (object as Record<string, unknown>)[field]
  } catch {
    return undefined
  }
}

function shown(thrown: unknown): string {
  return typeof thrown === 'function' ? 'a function' : String(thrown)
}

/** A copy, so that what JSON made of it once cannot change. */
function jsonOrNothing(value: unknown): unknown {
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The error of a caller whose request was refused, or whose handler failed. `error`: the member of the answer. */
export function remoteError(error: unknown, message: unknown, issues: unknown, { context }: Subject): FastnNetError {
  if (typeof error === 'string') return refused(error, message, issues, context)
  const { name, code, data, stack, ...rest } = Object(error) as { [Field in keyof WireError]?: unknown }
  const text = typeof rest.message === 'string' ? printable(rest.message) : "the peer's handler failed"
  return new FastnNetError('ERR_REMOTE', text, {
    ...context,
    remoteName: typeof name === 'string' ? printable(name) : undefined,
    remoteCode: typeof code === 'string' ? printable(code) : undefined,
    remoteStack: typeof stack === 'string' ? printableLines(stack) : undefined,
    data
  })
}

function refused(word: string, message: unknown, issues: unknown, context: FastnNetErrorOptions): FastnNetError {
  const details = { ...context, remoteCode: printable(word) }
  if (word === 'schema') return schemaError(receivedIssues(issues), "the peer says that the request's input", details)
  const code = Object.hasOwn(refusals, word) ? refusals[word as RequestRefusal] : 'ERR_REFUSED'
  const text = typeof message === 'string' && message !== '' ? message : word
  return new FastnNetError(code, `the peer refused the request: ${printable(text)}`, details)
}

/** Whether a bare answer of an older peer has the form of its errors: an object with a message. */
export function looksLikeError(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && typeof (answer as { message?: unknown }).message === 'string'
}
