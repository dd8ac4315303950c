import { type Json, Protocol } from 'fastn-net'

/** Mail between peers of this project. docs/wire.md has its bytes. */
export const mailProtocol: Protocol = Protocol.generic({ fastn: 'mail', v: 1 })

/** Mail of peers of the original. */
export const legacyProtocol = 'EmailDelivery'

/** ALPN of peers that understand {@link mailProtocol}. */
export const nativeAlpn = '/fastn-net/1'

/** Longest header and answer, in bytes. */
export const maxLineBytes: number = 256 * 1024

/** Most recipients of a mail at one peer. */
export const maxRecipients = 1000

/** Aborts when a transfer has taken a minute and a second for each 10 KiB. */
export function patience(bytes: number): AbortSignal {
  return AbortSignal.timeout(60_000 + Math.ceil(bytes / 10.24))
}

/** First line of a delivery. The message follows, raw, up to FIN. */
export interface MailHeader {
  /** Names the mail. Unique for its sender: a second delivery with the id stores nothing. */
  readonly id: string
  /** Envelope sender; empty for the null sender. */
  readonly from: string
  /** Recipients, all at the receiving peer. */
  readonly to: readonly string[]
  /** Bytes of the message. */
  readonly size: number
  /** SHA-256 of the message, as hex. */
  readonly sha256: string
}

/** A recipient who does not get a mail that others get. */
export interface RefusedRecipient {
  readonly to: string
  readonly code: string
  readonly message: string
}

/** The answer to a delivery, one line. */
export type MailAnswer =
  | { readonly status: 'stored' | 'duplicate'; readonly refused?: readonly RefusedRecipient[] }
  | { readonly status: 'refused'; readonly code: string; readonly message: string }
  | { readonly status: 'later'; readonly code: string; readonly message: string; readonly retryAfter?: number }

/** Reads a header that a peer sent; `undefined` if it is none. */
export function readHeader(value: Json): MailHeader | undefined {
  if (!isRecord(value)) return undefined
  const { id, from, to, size, sha256 } = value
  const isFine =
    typeof id === 'string' &&
    /^[\w.-]{1,128}$/.test(id) &&
    isAddress(from) &&
    Array.isArray(to) &&
    to.length > 0 &&
    to.length <= maxRecipients &&
    to.every(each => each !== '' && isAddress(each)) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    typeof sha256 === 'string' &&
    /^[\da-f]{64}$/.test(sha256)
  return isFine ? { id, from, to: to as string[], size, sha256 } : undefined
}

/** Reads an answer that a peer sent; `undefined` if it is none. Its texts are bounded, and without control characters. */
export function readAnswer(value: Json): MailAnswer | undefined {
  if (!isRecord(value)) return undefined
  const { status, retryAfter, refused } = value
  const [code, message] = [shown(value.code, 64), shown(value.message, 512)]
  if (status === 'stored' || status === 'duplicate')
    return {
      status,
      ...(Array.isArray(refused) ? { refused: refused.slice(0, maxRecipients).flatMap(readRefused) } : {})
    }
  if (status === 'refused') return { status, code, message }
  if (status !== 'later') return undefined
  const isDelay = typeof retryAfter === 'number' && retryAfter >= 0
  return { status, code, message, ...(isDelay ? { retryAfter } : {}) }
}

function readRefused(value: unknown): RefusedRecipient[] {
  if (!isRecord(value) || typeof value.to !== 'string') return []
  return [{ to: value.to, code: shown(value.code, 64), message: shown(value.message, 512) }]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 320 && !/[\0-\x20\x7f<>]/.test(value)
}

/** A peer's text as it may stand in a message to a person: short, and on one line. */
function shown(value: unknown, length: number): string {
  if (typeof value !== 'string') return ''
  return value.slice(0, length).replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}
