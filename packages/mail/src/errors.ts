/** Code of a {@link MailError}. Branch on it. A minor version may add codes: keep a default branch. */
export type MailErrorCode =
  /** The disk is full or read-only, or a file or database is damaged. `cause` has the reason. Nothing was stored. */
  | 'ERR_STORAGE'
  /** The mail would exceed the quota of the account or of the queue. */
  | 'ERR_QUOTA'
  /** An argument is invalid. Fix the call. */
  | 'ERR_INVALID_ARGUMENT'
  /** The mail, or a part of it, is larger than its limit. */
  | 'ERR_TOO_LARGE'
  /** The sender may not use this address, or the user does not exist. */
  | 'ERR_UNAUTHORIZED'
  /** The service is closed. */
  | 'ERR_CLOSED'
  /** Another process uses the folder. */
  | 'ERR_BUSY'
  /** The mailbox does not exist. */
  | 'ERR_NO_MAILBOX'
  /** The mailbox already exists. */
  | 'ERR_MAILBOX_EXISTS'

/** Error of fastn-mail. Errors of fastn-net pass through as `FastnNetError`. */
export class MailError extends Error {
  /** Always `'MailError'`. */
  override readonly name = 'MailError'
  /** Kind of failure. */
  readonly code: MailErrorCode

  constructor(code: MailErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Wraps an error of the file system or the database as `ERR_STORAGE`. Returns errors of this package unchanged. */
export function storageError(doing: string, cause: unknown): MailError {
  if (cause instanceof MailError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MailError('ERR_STORAGE', `cannot ${doing}: ${reason}`, { cause })
}
