import { type Json, Protocol } from 'fastn-net'

/** Mail between peers of this project: docs/wire.md. */
export const mailProtocol: Protocol = Protocol.generic({ fastn: 'mail', v: 1 })

/** Mail of peers of the original. */
export const legacyProtocol = 'EmailDelivery'

/** ALPN of peers that understand {@link mailProtocol}. */
export const nativeAlpn = '/fastn-net/1'

/** Maximum header and answer, in bytes. */
export const maxLineBytes: number = 256 * 1024

/** Maximum recipients of a mail at one peer. */
export const maxRecipients = 1000

/** Deadline of a transfer: one minute, plus one second per 10 KiB. */
export function patience(bytes: number): AbortSignal {
  return AbortSignal.timeout(60_000 + Math.ceil(bytes / 10.24))
}

/** First line of a delivery. The message follows, raw, up to FIN. */
export interface MailHeader {
  /** ID of the mail, unique per sender. A second delivery with the same ID stores nothing. */
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

/** A recipient that is refused while others are accepted. */
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

/** Parses a peer's header; `undefined` if it is invalid. */
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

/** Parses a peer's answer; `undefined` if it is invalid. Texts are truncated, and control characters removed. */
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

/** Makes a peer's text safe for display: short, and on one line. */
function shown(value: unknown, length: number): string {
  if (typeof value !== 'string') return ''
  return value.slice(0, length).replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}
