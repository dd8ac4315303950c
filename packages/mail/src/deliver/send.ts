import { type FileHandle, open } from 'node:fs/promises'
import { isFastnNetError, type PeerStream } from 'fastn-net'
import { sendLegacy } from '../legacy/send.js'
import { type MailHeader, mailProtocol, maxLineBytes, nativeAlpn, patience, readAnswer } from '../protocol.js'
import type { Delivery } from '../queue/queue.js'
import { step } from '../steps.js'
import type { Outcome, Transport } from '../transport.js'

/**
 * Sends a mail to its peer, and waits for the answer.
 *
 * @param reached Called once the peer has accepted the stream.
 */
export async function send(
  delivery: Delivery,
  path: string,
  transport: Transport,
  reached: () => void,
  closing: AbortSignal
): Promise<Outcome> {
  let isReached = false
  const noteReached = (): void => {
    isReached = true
    reached()
  }
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    return { status: 'refused', code: 'lost', message: `the message cannot be read: ${textOf(error)}` }
  }
  try {
    return await exchange(delivery, file, transport, noteReached, closing)
  } catch (error) {
    return outcomeOf(error, isReached)
  } finally {
    await file.close()
  }
}

async function exchange(
  delivery: Delivery,
  file: FileHandle,
  transport: Transport,
  reached: () => void,
  closing: AbortSignal
): Promise<Outcome> {
  const { endpoint, lease, dialTimeout } = transport
  const peer = transport.address(delivery.peer)
  {
    // Holds the connection until the stream is open. Its ALPN selects the protocol.
    await using connection = await endpoint.connect(peer, { timeout: dialTimeout, signal: closing })
    if (connection.alpn !== nativeAlpn) {
      reached()
      return await sendLegacy(delivery, file, transport, closing)
    }
  }
  const open = (): Promise<PeerStream> =>
    endpoint.getStream(peer, mailProtocol, { timeout: dialTimeout, signal: closing })
  await using stream = await (lease === undefined ? open() : lease.use(peer, open))
  reached()
  step('deliver.opened', delivery.id)
  const signal = AbortSignal.any([closing, patience(delivery.size)])
  try {
    await writeMail(stream, delivery, file, signal)
  } catch (error) {
    // A peer that answers early stops reading.
    if (!isFastnNetError(error, 'ERR_STREAM_STOPPED')) throw error
  }
  step('deliver.sent', delivery.id)
  const answer = readAnswer(await stream.nextJson({ maxBytes: maxLineBytes, signal }))
  step('deliver.answered', delivery.id)
  return answer ?? { status: 'later', code: 'answer', message: 'the peer sent an invalid answer' }
}

async function writeMail(stream: PeerStream, delivery: Delivery, file: FileHandle, signal: AbortSignal): Promise<void> {
  const { id, from, to, size, sha256 } = delivery
  const header: MailHeader = { id, from, to, size, sha256 }
  await stream.writeJson(header, { signal })
  const buffer = Buffer.allocUnsafe(Math.min(size, 64 * 1024) || 1)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) break
    await stream.write(buffer.subarray(0, bytesRead), { signal })
    at += bytesRead
  }
  await stream.finish(undefined, { signal })
}

/** Errors that postpone all mail of a peer. */
const peerErrors: ReadonlySet<string> = new Set([
  'ERR_UNREACHABLE',
  'ERR_CONNECTION_LOST',
  'ERR_ACK_TIMEOUT',
  'ERR_SHUTTING_DOWN',
  'ERR_PROTOCOL_UNSUPPORTED',
  'ERR_CLOSED'
])

function outcomeOf(error: unknown, isReached: boolean): Outcome {
  const message = textOf(error)
  // The peer's access rules exclude this endpoint: permanent, like a refusal.
  if (isFastnNetError(error, 'ERR_UNAUTHORIZED')) return { status: 'refused', code: 'unauthorized', message }
  if (isFastnNetError(error, 'ERR_BUSY') || isFastnNetError(error, 'ERR_TOO_MANY_STREAMS'))
    return { status: 'later', code: 'busy', message, retryAfter: 1 }
  // Other errors may concern only this mail, which must not block the others.
  if (isReached && !(isFastnNetError(error) && peerErrors.has(error.code)))
    return { status: 'later', code: 'failed', message }
  return { status: 'unreachable', message }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
