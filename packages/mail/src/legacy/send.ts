import type { FileHandle } from 'node:fs/promises'
import type { Json } from 'fastn-net'
import { legacyProtocol, maxLineBytes, patience } from '../protocol.js'
import type { Delivery } from '../queue/queue.js'
import type { Outcome, Transport } from '../transport.js'

/**
 * Sends a mail to a peer of the original, which accepts one recipient per mail and only UTF-8. Its answer confirms only that it has read the
 * mail.
 */
export async function sendLegacy(
  delivery: Delivery,
  file: FileHandle,
  { endpoint, address, dialTimeout }: Transport,
  closing: AbortSignal
): Promise<Outcome> {
  // A peer of the original has one mailbox for all recipients, and drops local parts.
  await using stream = await endpoint.getStream(address(delivery.peer), legacyProtocol, {
    timeout: dialTimeout,
    signal: closing
  })
  const signal = AbortSignal.any([closing, patience(4 * delivery.size)])
  await stream.write('{"Email":{"raw_message":[', { signal })
  const buffer = Buffer.allocUnsafe(64 * 1024)
  for (let at = 0; at < delivery.size; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) break
    await stream.write(`${at === 0 ? '' : ','}${buffer.subarray(0, bytesRead).join(',')}`, { signal })
    at += bytesRead
  }
  const envelope = `"envelope_from":${JSON.stringify(delivery.from)},"envelope_to":${JSON.stringify(`user@${delivery.peer}.local`)}`
  await stream.finish(`],${envelope}}}\n`, { signal })
  const answer = await stream.nextJson({ maxBytes: maxLineBytes, signal })
  return outcomeOf(answer)
}

/** As in the original, any answer except the error shape means success. */
function outcomeOf(answer: Json): Outcome {
  const fields = typeof answer === 'object' && answer !== null ? (answer as Record<string, Json>) : {}
  const { message, code } = fields
  if (typeof message !== 'string' || typeof code !== 'string') return { status: 'stored' }
  return { status: 'later', code: code.slice(0, 64), message: message.slice(0, 512).replace(/[\p{Cc}\p{Cf}]/gu, ' ') }
}
