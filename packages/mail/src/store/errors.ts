/** Codes of a {@link MailError}. A minor version may add codes: keep a default branch. */
export type MailErrorCode =
  /** The account's quota is used up. */
  | 'ERR_QUOTA'
  /** The disk is full, read-only or failing; `cause` has the error of the operating system. */
  | 'ERR_STORAGE'
  /** The mailbox does not exist. */
  | 'ERR_NO_MAILBOX'
  /** The mailbox exists already. */
  | 'ERR_MAILBOX_EXISTS'
  /** An argument is invalid; fix the call. */
  | 'ERR_INVALID_ARGUMENT'
  /** Another program, or another call of this one, has the store open. */
  | 'ERR_BUSY'
  /** The store or server is closed. */
  | 'ERR_CLOSED'

/**
 * Error of this package. `code` says what happened and is stable; the message is for people.
 *
 * @example
 * try {
 *   await store.deliver(mail)
 * } catch (error) {
 *   if (error instanceof MailError && error.code === 'ERR_QUOTA') return 'the mailbox is full'
 *   throw error
 * }
 */
export class MailError extends Error {
  override readonly name: string = 'MailError'
  /** What happened. */
  readonly code: MailErrorCode

  constructor(code: MailErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Wraps an error of the file system or the database as `ERR_STORAGE`. Errors of this package stay as they are. */
export function storageError(doing: string, cause: unknown): MailError {
  if (cause instanceof MailError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MailError('ERR_STORAGE', `cannot ${doing}: ${reason}`, { cause })
}
