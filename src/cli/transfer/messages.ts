import { type PeerStream, Protocol } from '../../index.js'
import { printable } from '../../util/display.js'
import { CliError } from '../failure.js'

/** Protocol of a transfer: docs/wire.md. */
export const transferProtocol: Protocol = Protocol.generic({ fastn: 'send', v: 1 })

/** Limits for data from a peer. */
export const limits = {
  /** Maximum line. */
  lineBytes: 8_192,
  /** Files and folders of one transfer. */
  entries: 100_000,
  /** All lines of the list. */
  listBytes: 33_554_432,
  /** Bytes of one frame. */
  frameBytes: 1_048_576
} as const

/** Reason of a failed transfer, on the wire. */
export type TransferWord =
  | 'busy'
  | 'cancelled'
  | 'digest'
  | 'disk'
  | 'exists'
  | 'invalid'
  | 'name'
  | 'source'
  | 'too-large'
  | 'too-many'

/** A failed transfer. */
export class TransferError extends CliError {
  /** Reason of the failure. From a peer, any word. */
  readonly reason: string

  constructor(reason: TransferWord, message: string) {
    super('ERR_TRANSFER', message, { reason, by: 'local' })
    this.reason = reason
  }
}

/** A failure that the peer reported. */
export class PeerTransferError extends CliError {
  constructor(reason: string, message: string) {
    super('ERR_TRANSFER', `the peer says: ${message}`, { reason, by: 'peer' })
  }
}

/** A line of the protocol: an object with members that its reader checks. */
export type Message = Readonly<Record<string, unknown>>

/** Reads the next line. Throws an error of the peer. */
export async function readMessage(stream: PeerStream, signal: AbortSignal): Promise<Message> {
  return parseMessage(await stream.nextString({ maxBytes: limits.lineBytes, signal }))
}

function parseMessage(line: string): Message {
  const message = parse(line)
  if (typeof message !== 'object' || message === null || Array.isArray(message)) throw invalidLine()
  const { error, message: text } = message as Message
  if (error === undefined) return message as Message
  const reason = String(error).slice(0, 64)
  throw new PeerTransferError(reason, printable(typeof text === 'string' ? text.slice(0, 512) : reason))
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw invalidLine()
  }
}

/** The peer violated the protocol. */
export function invalidLine(): TransferError {
  return new TransferError('invalid', 'the peer sent an unexpected line')
}

/** Checks a whole number of a message. */
export function wholeNumber(value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value
  throw invalidLine()
}

/** Checks a digest of a message. */
export function digest(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value
  throw invalidLine()
}

/** The line that reports a failure to the peer. */
export function errorLine(error: unknown): string {
  const reason = error instanceof TransferError ? error.reason : 'cancelled'
  const message = error instanceof TransferError ? error.message : 'it was interrupted'
  return `${JSON.stringify({ error: reason, message })}\n`
}
