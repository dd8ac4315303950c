export type { ImapLimits } from './limits.js'
export { type ImapOptions, type ImapServer, startImap } from './server.js'
export type { Authenticate } from './shared.js'
