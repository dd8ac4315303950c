/**
 * Mail between peers of fastn-net.
 *
 * @module
 */
export { type MailAddress, parseMailAddress } from './address.js'
export type { Clock, Timer } from './clock.js'
export {
  type DovecotOptions,
  type DovecotUser,
  dovecotConfiguration,
  dovecotPassword,
  dovecotUsers
} from './dovecot/index.js'
export { MailError, type MailErrorCode } from './errors.js'
export type { MailEvent, OnEvent } from './events.js'
export { type Authenticate, type ImapLimits, type ImapOptions, type ImapServer, startImap } from './imap/index.js'
export type { LegacyMode } from './legacy/serve.js'
export { Mail, startMail } from './mail.js'
export type { ListenAddress, MailLimits, MailOptions, MailUser, OutgoingMail, QueuedDelivery } from './mail-options.js'
export { hashPassword, verifyPassword } from './password.js'
export type { MailRule } from './receive/rules.js'
export type { MailTls, SmtpOptions } from './smtp/server.js'
export {
  type Delivered,
  type Flag,
  type Mailbox,
  type MailFile,
  type MailStore,
  type MailStoreOptions,
  type NewMail,
  openMailStore
} from './store/index.js'
