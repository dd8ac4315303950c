export { Account, openAccount } from './account.js'
export type { AccountOptions, CallSettings, RedeemOptions } from './account-options.js'
export type {
  AccountData,
  AccountDraft,
  AccountRule,
  Alias,
  Device,
  LeaseScope,
  StoredInvitation,
  Who
} from './data.js'
export type { Explanation, Identity } from './explain.js'
export { fileStore } from './file-store.js'
export { HeldLease, holdLease } from './hold-lease.js'
export type { Invitation, InviteOptions } from './invitations.js'
export { type Lease, type LeaseClaims, verifyLease } from './lease.js'
export { type AccountStore, memoryStore } from './store.js'
export { type InvitationTicket, parseInvitation } from './ticket.js'
