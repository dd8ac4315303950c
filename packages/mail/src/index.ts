/**
 * Mail between peers of fastn-net.
 *
 * @module
 */
export { type MailAddress, parseMailAddress } from './address.js'
export { MailError, type MailErrorCode } from './errors.js'
export { type Authenticate, type ImapLimits, type ImapOptions, type ImapServer, startImap } from './imap/index.js'
export {
  type Delivered,
  type Flag,
  type Mailbox,
  type MailStore,
  type MailStoreOptions,
  type NewMail,
  openMailStore
} from './store/index.js'
