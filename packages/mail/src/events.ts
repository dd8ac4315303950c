/** Event of a mail, for `onEvent` of {@link startMail}. */
export interface MailEvent {
  /**
   * Kind of event:
   *
   * - `'queued'`: a mail of a user is in the queue
   * - `'delivered'`: a peer or a local mailbox has stored it for the recipients in `to`
   * - `'deferred'`: an attempt failed, and another follows at `nextAt`. Without an `id`, the peer was not reached
   * - `'warned'`: the sender got a warning about a late mail
   * - `'bounced'`: a mail cannot be delivered to the recipients in `to`. Its sender got a report, unless it has the null sender
   * - `'received'`: a mail of a peer was answered with `status` and `code`
   * - `'error'`: a background operation failed, for example on a full disk. It is retried
   */
  readonly type: 'queued' | 'delivered' | 'deferred' | 'warned' | 'bounced' | 'received' | 'error'
  /** Id of the mail. */
  readonly id?: string | undefined
  /** ID52 of the peer. */
  readonly peer?: string | undefined
  /** Envelope sender; empty for the null sender. */
  readonly from?: string | undefined
  /** Recipients. */
  readonly to?: readonly string[] | undefined
  /** Why the attempt failed. */
  readonly reason?: string | undefined
  /** Time of the next attempt, in milliseconds as from `Date.now()`. */
  readonly nextAt?: number | undefined
  /** The answer to a peer: `'stored'`, `'duplicate'`, `'refused'` or `'later'`. */
  readonly status?: string | undefined
  /** Reason code of the answer. */
  readonly code?: string | undefined
  /** The error. */
  readonly error?: unknown
}

/** Receives events. Its errors are ignored. */
export type OnEvent = (event: MailEvent) => void
