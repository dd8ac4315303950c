import type { Protocol } from '../errors.js'

/** Requests of accounts and devices about leases: docs/wire.md. */
export const accountProtocols: Readonly<Record<'lease' | 'present' | 'end' | 'invite', Protocol>> = {
  /** A device requests a lease from its account. */
  lease: 'DeviceToAccount',
  /** A device presents its lease to another account, or an account ends one. */
  present: 'AccountToAccount',
  /** An account notifies its device that its lease has ended. */
  end: 'AccountToDevice',
  /** An unknown peer redeems an invitation. */
  invite: Object.freeze({ Generic: Object.freeze({ fastn: 'invite', v: 1 }) })
}
