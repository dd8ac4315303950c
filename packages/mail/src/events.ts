/** What happened to a mail: `onEvent` of {@link startMail} gets it, for logs. */
export interface MailEvent {
  /**
   * What happened:
   *
   * - `'queued'`: a mail of a user is in the queue
   * - `'delivered'`: a peer, or a mailbox here, has stored it for the recipients in `to`
   * - `'deferred'`: an attempt failed, and another follows at `nextAt`. Without an `id`, the peer was not reached
   * - `'warned'`: the sender was told that a mail is late
   * - `'bounced'`: a mail cannot be delivered to the recipients in `to`. Its sender was told, unless it has the null sender
   * - `'received'`: a mail of a peer was answered with `status` and `code`
   * - `'error'`: something failed that no caller waits for, such as a full disk. It is tried again
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
  /** Reason of the answer, a word. */
  readonly code?: string | undefined
  /** What failed. */
  readonly error?: unknown
}

/** Receives events. What it throws is ignored. */
export type OnEvent = (event: MailEvent) => void
