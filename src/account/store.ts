import type { AccountData } from './data.js'

/**
 * Where an account keeps its data. {@link fileStore} and {@link memoryStore} are built in; a database is another. One account uses a store
 * at a time.
 */
export interface AccountStore {
  /** Opens the store, so that no other program uses it, and returns what {@link save} was given last; `undefined` for a new account. */
  open(): Promise<AccountData | undefined>
  /**
   * Keeps all of the data. When the promise resolves, the data must survive a crash; when it rejects, the data kept before must. Calls never
   * overlap.
   */
  save(data: AccountData): Promise<void>
  /** Lets other programs use the store. */
  close(): Promise<void>
}

/**
 * Keeps an account in memory, for tests and for accounts that end with the program.
 *
 * @param data What the account begins with. Default: nothing.
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
