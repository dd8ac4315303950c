import { FastnNetError } from '../errors.js'

/** Passed to the constructors of classes that only this library makes objects of. Users cannot get it. */
export const internal: unique symbol = Symbol('fastn-net.internal')

/**
 * Throws when a constructor was not called by this library: `private` is a word of TypeScript alone.
 *
 * @param madeBy what makes these objects, for the message.
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function checkConstructor(key: unknown, madeBy: string): void {
  if (key !== internal) throw new FastnNetError('ERR_INVALID_ARGUMENT', `Illegal constructor: use ${madeBy}`)
}
