import { MailError } from './errors.js'
import type { MailStore, MailStoreOptions } from './mail-store.js'

export type { MailErrorCode } from './errors.js'
export { MailError, storageError } from './errors.js'
export type * from './mail-store.js'

/** Opens one account's mail, and finishes what a crash left pending. */
export async function openMailStore(options: MailStoreOptions): Promise<MailStore> {
  throw new MailError('ERR_STORAGE', `the store of ${options.folder} is not built yet`)
}
