export type { MailErrorCode } from './errors.js'
export { MailError, storageError } from './errors.js'
export type * from './mail-store.js'
export { openMailStore } from './open.js'
