import { alpnOf, nativeAlpn } from './endpoint-state.js'
import type { StreamState } from './stream-state.js'

/** Reset and stop code of a stream that a signal aborted. */
export const cancelled = 0x101

/** Reset and stop code of a stream whose handler failed, or what sends or receives its bytes. */
export const handlerFailed = 0x102

/** The code that tells the peer why a half ends that has not failed by itself. Older peers get 0. */
export function failureCode(state: StreamState, error: unknown, signal?: AbortSignal): number {
  if (!isOwnAlpn(state)) return 0
  const isCancelled = signal?.aborted === true && error === signal.reason
  // Node wraps the reason of a signal in an error of this name.
  return isCancelled || isAbortError(error) ? cancelled : handlerFailed
}

/** Whether a program threw an `AbortError`, as Node.js has it. `false` for an object that cannot be read, such as a revoked proxy. */
export function isAbortError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error && thrown.name === 'AbortError'
  } catch {
    return false
  }
}

function isOwnAlpn(state: StreamState): boolean {
  try {
    return alpnOf(state) === nativeAlpn
  } catch {
    // The connection is gone: the peer gets no code.
    return false
  }
}
