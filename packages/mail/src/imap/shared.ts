import type { SecureContext } from 'node:tls'
import type { LoginGuard } from '../login-guard.js'
import type { PendingLogins } from '../pending-logins.js'
import type { MailStore } from '../store/mail-store.js'
import type { ByteBudget } from './budget.js'
import type { Limits } from './limits.js'

/** Verifies credentials. Resolves to the user's mail, or to `undefined` if they are wrong. */
export type Authenticate = (user: string, password: string) => Promise<MailStore | undefined> | MailStore | undefined

/** State that the sessions of a server share. */
export interface Shared {
  readonly limits: Limits
  readonly authenticate: Authenticate
  readonly loginGuard: LoginGuard
  /** Connections before login. */
  readonly pendingLogins: PendingLogins
  readonly parsed: ByteBudget
  readonly secureContext: SecureContext | undefined
  /** Receives unexpected errors. */
  readonly onError: (error: unknown) => void
  /** Connections of each logged-in user. */
  readonly users: Map<string, number>
}
