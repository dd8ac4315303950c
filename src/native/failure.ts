import { FastnNetError, type FastnNetErrorCode, type FastnNetErrorOptions } from '../errors.js'
import { native } from './addon.js'
import type { BindingError } from './binding-types.js'

/** What the failing side knows and the core does not. */
export type Context = Pick<FastnNetErrorOptions, 'peer' | 'protocol' | 'phase'>

// A mark for this library: what users can do about an error is in its code.
const unprocessed = new WeakSet<FastnNetError>()

/** Whether no handler of the peer has seen, or will see, the stream that failed with this error. */
export function isUnprocessed(error: FastnNetError): boolean {
  return unprocessed.has(error)
}

/** The error of the native call that has just answered FAILED or `null`. */
export function lastFailure(context: Context): FastnNetError {
  return failure(native().takeError(), context)
}

/** A failure of the core as the error that users see. */
export function failure(error: BindingError, context: Context): FastnNetError {
  const options: FastnNetErrorOptions = {
    ...context,
    errorCode: error.errorCode ?? undefined,
    remoteCode: error.remoteCode ?? undefined
  }
  if (error.cause !== null) options.cause = new Error(error.cause)
  const failed = new FastnNetError(error.code as FastnNetErrorCode, error.message, options)
  if (error.unprocessed) unprocessed.add(failed)
  return failed
}

/** A failure that was found on this side of the bridge. */
export function localFailure(
  code: FastnNetErrorCode,
  message: string,
  errorCode: number | bigint | null = null
): BindingError {
  return { code, message, errorCode, remoteCode: null, unprocessed: false, cause: null }
}
