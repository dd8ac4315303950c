import { FastnNetError } from '../errors.js'
import { invalid } from './validate.js'

/**
 * Checks that calling a function runs its body: a generator's does not run.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function checkNotGenerator(call: (...given: never) => unknown, path: string): void {
  const kind = Object.prototype.toString.call(call)
  if (kind === '[object GeneratorFunction]' || kind === '[object AsyncGeneratorFunction]')
    throw invalid(path, 'a function that runs when it is called, not a generator function (function*)')
}

/**
 * Checks the result of a function that should have run.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an iterator, such as a generator: it would run only in a loop.
 */
export function checkNotIterator(result: unknown, what: string): void {
  if (typeof result !== 'object' || result === null || typeof (result as { next?: unknown }).next !== 'function') return
  if (!(Symbol.asyncIterator in result) && !(Symbol.iterator in result)) return
  const message = `${what} returned an iterator, which nothing iterates: loop over it inside the function`
  throw new FastnNetError('ERR_INVALID_ARGUMENT', message)
}
