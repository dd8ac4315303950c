import type { SecureContext } from 'node:tls'
import type { LoginGuard } from '../login-guard.js'
import type { PendingLogins } from '../pending-logins.js'
import type { MailStore } from '../store/mail-store.js'
import type { ByteBudget } from './budget.js'
import type { Limits } from './limits.js'

/** Checks a password. Resolves to the user's mail, or to `undefined` if the user or password is wrong. */
export type Authenticate = (user: string, password: string) => Promise<MailStore | undefined> | MailStore | undefined

/** What the sessions of a server share. */
export interface Shared {
  readonly limits: Limits
  readonly authenticate: Authenticate
  readonly loginGuard: LoginGuard
  /** Connections that have not logged in. */
  readonly pendingLogins: PendingLogins
  readonly parsed: ByteBudget
  readonly secureContext: SecureContext | undefined
  /** Hears of errors that the server did not expect. */
  readonly onError: (error: unknown) => void
  /** Connections of each user that has logged in. */
  readonly users: Map<string, number>
}
