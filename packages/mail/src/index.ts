/**
 * Mail between peers of fastn-net.
 *
 * @module
 */
export { type MailAddress, parseMailAddress } from './address.js'
export { MailError, type MailErrorCode } from './errors.js'
