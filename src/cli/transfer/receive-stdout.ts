import { createHash } from 'node:crypto'
import type { PeerStream } from '../../index.js'
import type { Output } from '../output.js'
import { digest, invalidLine, limits, readMessage, TransferError, wholeNumber } from './messages.js'
import type { Offer } from './offer.js'
import { type ReceivingOptions, readFrame, tooLarge } from './receive-files.js'

/** Receives one file and prints it. It cannot be resumed. */
export async function receiveToStdout(
  stream: PeerStream,
  { entries, total }: Offer,
  output: Output,
  { signal, progress, maxBytes, onFile }: ReceivingOptions
): Promise<void> {
  const [entry] = entries
  if (entry?.size === undefined || entries.length > 1) {
    throw new TransferError('invalid', 'the receiver accepts only a single file')
  }
  if (total !== null && total > maxBytes) throw tooLarge(maxBytes)
  await stream.writeJson({ ready: true })
  const { file, from } = await readMessage(stream, signal)
  if (file !== 0 || from !== 0) throw invalidLine()
  const hash = createHash('sha256')
  const frame = Buffer.allocUnsafe(limits.frameBytes)
  let position = 0
  while (true) {
    const message = await readMessage(stream, signal)
    if (message.sha256 !== undefined) {
      if (entry.size !== null && position !== entry.size) throw invalidLine()
      const sha256 = hash.digest('hex')
      if (digest(message.sha256) !== sha256) throw new TransferError('digest', 'the digests differ')
      await onFile(entry.path, position, sha256)
      break
    }
    const length = wholeNumber(message.bytes, limits.frameBytes)
    if (position + length > (entry.size ?? maxBytes)) throw entry.size === null ? tooLarge(maxBytes) : invalidLine()
    const bytes = await readFrame(stream, frame.subarray(0, length), signal)
    hash.update(bytes)
    await output.bytes(bytes)
    signal.throwIfAborted()
    position += length
    await progress.add(length)
  }
  const { end } = await readMessage(stream, signal)
  if (end !== true) throw invalidLine()
}
