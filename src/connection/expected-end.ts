import { type FastnNetError, isFastnNetError } from '../errors.js'
import { isAbortError } from '../stream/failure-codes.js'
import { isShutdownReason } from '../util/shutdown-reason.js'
import { stateOf } from './byte-stream.js'
import type { PeerStream } from './connection.js'

/**
 * Whether what a handler threw only says that its peer has left, that its own endpoint was closed, or that the program shuts down: there is
 * nothing to warn of. Call this before this side ends the stream. Never throws.
 */
export function isExpectedEnd(thrown: unknown, stream: PeerStream): boolean {
  const error = abortCause(thrown) ?? thrown
  if (isShutdownReason(error)) return true
  try {
    if (!isFastnNetError(error)) return false
    // Of this stream, or of another one that the handler uses.
    if (error.code === 'ERR_CLOSED') return stateOf(stream).connection.endpoint.closing.aborted
    return tellsThatPeerLeft(error, stream)
  } catch {
    // A getter or a trap of the program's object.
    return false
  }
}

/** The peer reset the stream, reads no more of it, its connection ended, or it lost the permission to use the stream. */
function tellsThatPeerLeft({ code, peer, phase }: FastnNetError, stream: PeerStream): boolean {
  const { connection, readError, writeError } = stateOf(stream)
  if (peer !== connection.id52) return false
  // The policy changed, and ended the stream.
  if (code === 'ERR_CONNECTION_LOST' || code === 'ERR_UNAUTHORIZED') return true
  // On the other half, this side reset or stopped it.
  if (code === 'ERR_STREAM_RESET') return readError?.code === 'ERR_STREAM_RESET'
  // Not yet known to the half, if only the signal has noticed it.
  return code === 'ERR_STREAM_STOPPED' && (writeError?.code === 'ERR_STREAM_STOPPED' || phase === 'signal')
}

/** The signal's reason, of an `AbortError` of Node.js. Never throws. */
export function abortCause(thrown: unknown): unknown {
  try {
    return isAbortError(thrown) ? thrown.cause : undefined
  } catch {
    return undefined
  }
}
