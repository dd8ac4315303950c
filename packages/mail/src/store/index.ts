export type * from './mail-store.js'
export { openMailStore } from './open.js'
