import { MailError } from '../errors.js'

/** A refused command: the answer is `NO`. */
export class Refused extends Error {
  /** Response code such as `TRYCREATE` (RFC 5530). */
  readonly responseCode: string | undefined

  constructor(message: string, responseCode?: string) {
    super(message)
    this.responseCode = responseCode
  }
}

/** Closes the connection with this text as `BYE`. */
export class Goodbye extends Error {}

/** Maps an error of the store to a `NO` response. Returns other errors unchanged. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof MailError)) return error
  switch (error.code) {
    case 'ERR_QUOTA':
      return new Refused(error.message, 'OVERQUOTA')
    case 'ERR_NO_MAILBOX':
      return new Refused(error.message, 'NONEXISTENT')
    case 'ERR_MAILBOX_EXISTS':
      return new Refused(error.message, 'ALREADYEXISTS')
    case 'ERR_INVALID_ARGUMENT':
      return new Refused(error.message, 'CANNOT')
    case 'ERR_CLOSED':
      return new Goodbye('the server closes')
    default:
      // The message may contain local paths.
      return new Refused('the disk is full, read-only or failing', 'UNAVAILABLE')
  }
}
