/** Flag of a message: one of IMAP's, or a keyword such as `$Forwarded`. */
export type Flag = '\\Seen' | '\\Answered' | '\\Flagged' | '\\Deleted' | '\\Draft' | (string & {})

/** A message in a file. */
export interface MailFile {
  /** Path of the file, on the file system of the store. */
  file: string
}

/** A message to store. */
export interface NewMail {
  /** Unique per sender. The file name is derived from it: a second delivery with the same ID changes nothing. */
  id: string
  /** Mailbox, `'INBOX'` by default. It is created if it does not exist. `'.'` separates levels: `'Lists.tokio'`. */
  mailbox?: string
  /** The exact bytes, or the path of a file on the file system of the store, which is moved into place. */
  content: Uint8Array | MailFile
  /** Initial flags; none by default. */
  flags?: readonly Flag[]
  /** The internal date; now by default. */
  receivedAt?: Date
}

/** Location of a message. */
export interface Delivered {
  /** UID of the message in its mailbox. 0 for a duplicate of a deleted message. */
  uid: number
  /** Name of the mailbox. */
  mailbox: string
  /** Whether the ID was delivered before. Mailbox and UID are those of the first delivery. */
  duplicate: boolean
}

/** Counters of a mailbox. */
export interface Mailbox {
  /** Name, with `'.'` between the levels. */
  readonly name: string
  /** Use of the mailbox, such as `'\\Sent'` (RFC 6154). */
  readonly specialUse: string | undefined
  /** Number of messages. */
  readonly messages: number
  /** Number of messages without `\Seen`. */
  readonly unseen: number
  /** UID of the next message. */
  readonly uidNext: number
  /** Changes when the mailbox is deleted and created again, or the index was lost. */
  readonly uidValidity: number
  /** Highest modification sequence (CONDSTORE). */
  readonly highestModseq: number
  /** Sum of the sizes, in bytes. */
  readonly bytes: number
}

/** One account's mail: a Maildir and its index. */
export interface MailStore extends AsyncDisposable {
  /**
   * Stores a message. It is durable when the promise resolves: file, folder and index are synced to disk. After a crash, the next start
   * completes or removes the message; readers never see a part of it.
   *
   * Rejects with `ERR_QUOTA`; `ERR_STORAGE` if the disk is full, read-only or failing (no partial data remains); `ERR_INVALID_ARGUMENT` for an
   * invalid name of a mailbox; `ERR_CLOSED`.
   */
  deliver(mail: NewMail): Promise<Delivered>
  /** Whether a message with this id was delivered. It stays true after the message is deleted. */
  has(id: string): boolean
  /** Sum of the sizes of all messages, in bytes. */
  bytesUsed(): number
  /** All mailboxes, ordered by name. */
  mailboxes(): Mailbox[]
  /** Closes the index. Pending calls reject with `ERR_CLOSED`. */
  close(): void
}

/** Options of {@link openMailStore}. */
export interface MailStoreOptions {
  /** Folder of the Maildir, created if it does not exist. */
  folder: string
  /** Limit for the sum of all messages, in bytes; none by default. */
  quotaBytes?: number
}
