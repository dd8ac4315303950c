import { isFastnNetError } from '../errors.js'
import { stateOf } from './byte-stream.js'
import type { PeerStream } from './connection.js'

/**
 * Whether what a handler threw only says that its peer has left: the peer reset the stream, reads no more of it, its connection ended,
 * or it lost the permission to use the stream. Call this before this side ends the stream.
 */
export function tellsThatPeerLeft(thrown: unknown, stream: PeerStream): boolean {
  const { connection, readError, writeError } = stateOf(stream)
  const error = abortCause(thrown) ?? thrown
  if (!isFastnNetError(error) || error.peer !== connection.id52) return false
  // The policy changed, and ended the stream.
  if (error.code === 'ERR_CONNECTION_LOST' || error.code === 'ERR_UNAUTHORIZED') return true
  // On the other half, this side reset or stopped it.
  if (error.code === 'ERR_STREAM_RESET') return readError?.code === 'ERR_STREAM_RESET'
  // Not yet known to the half, if only the signal has noticed it.
  return error.code === 'ERR_STREAM_STOPPED' && (writeError?.code === 'ERR_STREAM_STOPPED' || error.phase === 'signal')
}

/** The signal's reason, of an `AbortError` of Node.js. */
export function abortCause(thrown: unknown): unknown {
  return thrown instanceof Error && thrown.name === 'AbortError' ? thrown.cause : undefined
}
