import { MailError } from './errors.js'

/**
 * Rejects options with unknown names, so that a misspelt one is not ignored.
 *
 * @throws {MailError} `ERR_INVALID_ARGUMENT`.
 */
export function checkNames(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null) throw invalid(`${what} must be an object`)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw invalid(`${what} has no option '${name}'; it has ${known.join(', ')}`)
  }
}

/** A whole number of at least `least`, or the default. */
export function count(value: number | undefined, least: number, otherwise: number, what: string): number {
  if (value === undefined) return otherwise
  if (!(Number.isSafeInteger(value) && value >= least))
    throw invalid(`${what} must be a whole number of at least ${least}`)
  return value
}

/** An `ERR_INVALID_ARGUMENT`. */
export function invalid(message: string): MailError {
  return new MailError('ERR_INVALID_ARGUMENT', message)
}
