import type { Protocol } from '../errors.js'

/** Requests by which accounts and devices speak of leases. docs/wire.md has them. */
export const accountProtocols: Readonly<Record<'lease' | 'present' | 'end' | 'invite', Protocol>> = {
  /** A device asks its account for a lease. */
  lease: 'DeviceToAccount',
  /** A device shows its lease to another account, or an account ends one. */
  present: 'AccountToAccount',
  /** An account tells its device that its lease has ended. */
  end: 'AccountToDevice',
  /** A stranger redeems an invitation. */
  invite: Object.freeze({ Generic: Object.freeze({ fastn: 'invite', v: 1 }) })
}
