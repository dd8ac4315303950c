import { FastnNetError } from '../errors.js'
import { jsonText } from '../util/json-text.js'
import { invalid, kindOf } from '../util/validate.js'

/** The text as a line, with its newline. */
export function lineOf(text: string): string {
  if (typeof text !== 'string') throw invalid('text', `a string, not ${kindOf(text)}`)
  if (text.includes('\n')) throw invalid('text', 'one line, without a newline')
  return `${text}\n`
}

/** The value as a line of JSON, with its newline. */
export function jsonLineOf(value: unknown): string {
  const json = jsonText(value, value, 'value', (why, cause) => {
    const message = `value cannot be written as JSON: ${why}`
    return new FastnNetError('ERR_INVALID_ARGUMENT', message, { phase: 'write', ...cause })
  })
  if (json === undefined) throw invalid('value', `representable as JSON, not ${kindOf(value)}`)
  return `${json}\n`
}
