import type { RigEntity } from './entities.js'

/** An identity of a running rig. */
export interface RigIdentityStatus extends RigEntity {
  /** Whether it has an endpoint now. */
  readonly running: boolean
  /** Connected peers. */
  readonly peers: number
}

/** A service of a running rig. */
export interface RigServiceStatus {
  /** Its name in the configuration. */
  readonly name: string
  /** Its kind, such as `'tcp'`. */
  readonly kind: string
  /** ID52 of its identity. */
  readonly identity: string
  /** Its local address, or the exposed target. */
  readonly address: string
  /** Local port; `null` if there is none. */
  readonly port: number | null
  /** Connections, flows or requests in progress. */
  readonly connections: number
  /** Mails in the queue; `null` if it is not of kind `'mail'`. */
  readonly queued: number | null
  /** Whether it was replaced or removed, and waits for its connections. */
  readonly ending: boolean
}

/** The last attempt of a rig to apply its configuration. */
export interface RigApplied {
  /** Time in milliseconds since 1970. */
  readonly time: number
  /** The error; `null` after success. */
  readonly error: string | null
}

/** Snapshot of a rig. Times are in milliseconds since 1970. */
export interface RigStatus {
  /** Version of the library. */
  readonly version: string
  /** ID52 of the rig. */
  readonly id52: string
  /** ID52 of the account that owns the rig. */
  readonly owner: string
  /** ID52 of the identity that services without `identity` use. */
  readonly current: string
  /** Start of the rig. */
  readonly started: number
  /** Time of the snapshot. */
  readonly time: number
  /** The rig, then the aliases of all accounts. */
  readonly identities: readonly RigIdentityStatus[]
  /** Services, in the order of the configuration; then those that are ending. */
  readonly services: readonly RigServiceStatus[]
  /** Address of `/health` and `/metrics`; `null` if they are not served. */
  readonly health: string | null
  /** The last change of the configuration. */
  readonly applied: RigApplied
}

/** Result of applying a configuration. */
export interface RigChanges {
  /** ID52s of identities that came online. */
  readonly online: readonly string[]
  /** ID52s of identities that went offline. */
  readonly offline: readonly string[]
  /** Names of services that were started, replaced or updated. */
  readonly started: readonly string[]
  /** Names of services that were removed, or whose identity went offline. */
  readonly stopped: readonly string[]
  /** Number of unchanged services. */
  readonly kept: number
}
