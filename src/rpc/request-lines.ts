import { readerOf, stateOf } from '../connection/byte-stream.js'
import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, type FastnNetErrorOptions, isFastnNetError } from '../errors.js'
import { defaults } from '../settings.js'
import { alpnOf, nativeAlpn } from '../stream/endpoint-state.js'
import { cancelled } from '../stream/failure-codes.js'

/** Whether the peer speaks this library's own ALPN, on which requests and answers have tags. Else they are bare JSON. */
export function isTagged(stream: PeerStream): boolean {
  return alpnOf(stateOf(stream)) === nativeAlpn
}

/** The longest message, sent or received. */
export function maxBytesOn(tagged: boolean, maxBytes: number | undefined): number {
  return maxBytes ?? (tagged ? defaults.requests.maxBytes : defaults.requests.maxOlderBytes)
}

/** Context of the errors of a stream. */
export function contextOf(stream: PeerStream, phase: string): FastnNetErrorOptions {
  return stateOf(stream).context(phase)
}

/** Bytes of a message that are read without asking for room: most messages are shorter. */
const free = 64 * 1024

/** Reads a line of at most so many bytes, `null` at EOF. */
export type ReadLine = (maxBytes: number) => Promise<string | null>

/**
 * Reads one message. The last one needs no `\n` before the FIN. `advice`: what an error adds where there is none.
 *
 * @throws {FastnNetError} `ERR_UNEXPECTED_END` where there is none. The errors of {@link ByteStream.nextString}.
 */
export async function readMessage(
  stream: PeerStream,
  maxBytes: number,
  advice = '',
  read: ReadLine = readLineOf(stream)
): Promise<string> {
  return (await read(maxBytes)) ?? noMessage(stream, advice)
}

/** Same. `reserve` is asked before a long message takes more memory, and throws where there is no room. */
export async function readMessageWithin(
  stream: PeerStream,
  maxBytes: number,
  reserve: (bytes: number) => void,
  read: ReadLine = readLineOf(stream)
): Promise<string> {
  for (let limit = free; limit < maxBytes; limit *= 2) {
    try {
      return (await read(limit)) ?? noMessage(stream)
    } catch (error) {
      if (!isFastnNetError(error, 'ERR_LINE_TOO_LONG')) throw error
    }
    // The line stays unread.
    reserve(Math.min(limit * 2, maxBytes))
  }
  return await readMessage(stream, maxBytes, '', read)
}

function readLineOf(stream: PeerStream): ReadLine {
  return maxBytes => readerOf(stream).lineOrLast(maxBytes)
}

function noMessage(stream: PeerStream, advice = ''): never {
  const message = `the peer ended the stream without a message${advice}`
  throw new FastnNetError('ERR_UNEXPECTED_END', message, { ...contextOf(stream, 'read'), partial: '' })
}

/** Ends both halves at once, as a signal does. No-op once both have ended. */
export function abandon(stream: PeerStream): void {
  stateOf(stream).abort(cancelled, 'the request was cancelled')
}

/** Whether a write failed because the other side needs no more of it. */
export function isStopped(error: unknown): error is FastnNetError {
  return isFastnNetError(error, 'ERR_STREAM_STOPPED')
}
