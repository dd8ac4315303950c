import type { AccountData } from './data.js'

/**
 * Storage of an account. {@link fileStore} and {@link memoryStore} are built in; implement it for a database. Only one account uses a store
 * at a time.
 */
export interface AccountStore {
  /** Opens and locks the store. Returns the data that was last saved; `undefined` for a new account. */
  open(): Promise<AccountData | undefined>
  /**
   * Saves all data. If the promise resolves, the data must survive a crash; if it rejects, the previous data must. Calls never overlap.
   */
  save(data: AccountData): Promise<void>
  /** Releases the store. */
  close(): Promise<void>
}

/**
 * Stores an account in memory, for tests and temporary accounts.
 *
 * @param data Initial data. Default: an empty account.
 *
 * @example
 * const account = await openAccount(endpoint, { store: memoryStore() })
 */
export function memoryStore(data?: AccountData): AccountStore {
  let kept = data === undefined ? undefined : JSON.stringify(data)
  return {
    async open() {
      return kept === undefined ? undefined : (JSON.parse(kept) as AccountData)
    },
    async save(data) {
      kept = JSON.stringify(data)
    },
    async close() {}
  }
}
