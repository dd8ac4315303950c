import { MailError, storageError } from '../errors.js'
import type { MailStore, MailStoreOptions } from './mail-store.js'
import { MaildirStore } from './store.js'

const optionNames = ['folder', 'quotaBytes']

/**
 * Opens one account's mail, and recovers from a crash. A new folder gets the mailboxes INBOX, Drafts, Sent, Junk, Trash and
 * Archive. The store does not keep the process alive. A folder can be open only once: share the store between SMTP and IMAP.
 *
 * Rejects with `ERR_INVALID_ARGUMENT`; `ERR_BUSY` if the folder's store is open; `ERR_STORAGE` if the folder cannot be written.
 *
 * @example
 * await using store = await openMailStore({ folder: '/var/mail/alice', quotaBytes: 10 * 1024 ** 3 })
 * const { uid } = await store.deliver({ id: 'a-1', content: new TextEncoder().encode('Subject: Hello\r\n\r\nHello\r\n') })
 */
export async function openMailStore(options: MailStoreOptions): Promise<MailStore> {
  const { folder, quotaBytes } = options
  const unknown = Object.keys(options).find(name => !optionNames.includes(name))
  if (unknown !== undefined)
    throw new MailError('ERR_INVALID_ARGUMENT', `unknown option '${unknown}'; options: ${optionNames.join(', ')}`)
  if (typeof folder !== 'string' || folder === '') throw new MailError('ERR_INVALID_ARGUMENT', 'folder must be a path')
  if (quotaBytes !== undefined && !(Number.isSafeInteger(quotaBytes) && quotaBytes >= 0)) {
    throw new MailError('ERR_INVALID_ARGUMENT', 'quotaBytes must be an integer of at least 0')
  }
  try {
    return await MaildirStore.open(options)
  } catch (error) {
    throw storageError(`open the store ${folder}`, error)
  }
}

/** The Maildir of a store. Throws `ERR_INVALID_ARGUMENT` for a store that {@link openMailStore} did not return. @internal */
export function maildirOf(store: MailStore): MaildirStore {
  if (store instanceof MaildirStore) return store
  throw new MailError('ERR_INVALID_ARGUMENT', 'the store was not returned by openMailStore')
}
