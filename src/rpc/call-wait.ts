import { FastnNetError, type FastnNetErrorOptions } from '../errors.js'
import { abortable, abortableUntil } from '../util/timeout.js'
import type { ResolvedCall } from './call-options.js'
import type { Wait } from './validation.js'

/**
 * Waits for a schema of a call until the call's signal aborts or its time is up. `what` is what the schema checks.
 *
 * @param until As from `performance.now()`.
 */
export function inTime(
  { signal, timeout }: ResolvedCall,
  until: number,
  what: string,
  context: FastnNetErrorOptions
): Wait {
  const expired = () => {
    const message = `the schema of ${what} did not settle within ${timeout} ms, the timeout of the call`
    return new FastnNetError('ERR_CALL_TIMEOUT', message, context)
  }
  return work => abortableUntil(work, signal, until, expired)
}

/** No answer has begun in time. */
export function noAnswer({ timeout }: ResolvedCall, context: FastnNetErrorOptions): FastnNetError {
  const message = `the peer did not answer within ${timeout} ms: it may be busy, or its handler may be slow`
  return new FastnNetError('ERR_CALL_TIMEOUT', message, context)
}

/** Waits until the signal aborts. */
export function untilAborted(signal: AbortSignal | undefined): Wait {
  return work => abortable(work, signal)
}
