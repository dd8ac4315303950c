export { type DovecotOptions, dovecotConfiguration } from './configuration.js'
export { type DovecotUser, dovecotPassword, dovecotUsers } from './users.js'
