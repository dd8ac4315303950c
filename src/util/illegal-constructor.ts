import { FastnNetError } from '../errors.js'

/** Key that public constructors require. Users cannot obtain it. */
export const internal: unique symbol = Symbol('fastn-net.internal')

/**
 * Throws if a constructor was not called by this library: TypeScript's `private` does not exist at run time.
 *
 * @param factory What users call instead, for the message.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function checkConstructor(key: unknown, factory: string): void {
  if (key !== internal) throw new FastnNetError('ERR_INVALID_ARGUMENT', `Illegal constructor: use ${factory}`)
}
