import type { FastnNetError } from '../errors.js'
import { type JsonLoss, jsonLossIn } from './json-loss.js'

/** Creates the error of a value that JSON cannot represent. */
type Failed = (why: string, cause?: { readonly cause: unknown }) => FastnNetError

/**
 * Writes a message as JSON. `value` is the program's part of it, `name` the beginning of its path in errors. `undefined` if the message is.
 *
 * @throws What `failed` returns, for a value that JSON would drop or change.
 */
export function jsonText(message: unknown, value: unknown, name: string, failed: Failed): string | undefined {
  let text: string | undefined
  let loss: JsonLoss | undefined
  try {
    // First, since it finds cycles.
    text = JSON.stringify(message) as string | undefined
    loss = jsonLossIn(value, name)
  } catch (cause) {
    loss = partAtFault(value, name)
    throw failed(loss === undefined ? whyThrown(cause) : `${loss.path} ${loss.why}`, { cause })
  }
  if (loss !== undefined) throw failed(`${loss.path} ${loss.why}`)
  return text
}

/** The part for which `JSON.stringify` failed. `undefined`: a getter or `toJSON` throws. */
function partAtFault(value: unknown, name: string): JsonLoss | undefined {
  try {
    return jsonLossIn(value, name, true)
  } catch {
    return undefined
  }
}

function whyThrown(cause: unknown): string {
  // JSON.stringify recurses.
  const isDeep = cause instanceof RangeError && /call stack/i.test(cause.message)
  return isDeep ? 'it is nested too deeply' : 'a getter or toJSON throws'
}
