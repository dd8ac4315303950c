import type { RigEntity } from './entities.js'

/** An identity of a rig that runs. */
export interface RigIdentityStatus extends RigEntity {
  /** Whether it has an endpoint now. */
  readonly running: boolean
  /** Peers that are connected to it. */
  readonly peers: number
}

/** A service of a rig that runs. */
export interface RigServiceStatus {
  /** Its name in the configuration. */
  readonly name: string
  /** Its kind, such as `'tcp'`. */
  readonly kind: string
  /** ID52 of its identity. */
  readonly identity: string
  /** Where it listens, or what it exposes. */
  readonly address: string
  /** Local port on which it listens; `null` if there is none. */
  readonly port: number | null
  /** Connections, flows or requests in progress. */
  readonly connections: number
  /** Whether it was replaced or is gone, and ends when its connections do. */
  readonly ending: boolean
}

/** The last time that a rig applied its configuration, or could not. */
export interface RigApplied {
  /** When, in milliseconds since 1970. */
  readonly time: number
  /** Why it could not; `null` if it did. */
  readonly error: string | null
}

/** What a rig does. Times are in milliseconds since 1970. */
export interface RigStatus {
  /** Version of the library. */
  readonly version: string
  /** ID52 of the rig. */
  readonly id52: string
  /** ID52 of the account that owns the rig. */
  readonly owner: string
  /** ID52 of the identity that services without `identity` use. */
  readonly current: string
  /** When it started. */
  readonly started: number
  /** When this was taken. */
  readonly time: number
  /** The rig, then the aliases of all accounts. */
  readonly identities: readonly RigIdentityStatus[]
  /** Services, in the order of the configuration; then those that are ending. */
  readonly services: readonly RigServiceStatus[]
  /** Where `/health` and `/metrics` are served; `null` if they are not. */
  readonly health: string | null
  /** The last change of the configuration. */
  readonly applied: RigApplied
}

/** What applying a configuration did. */
export interface RigChanges {
  /** ID52s of identities that came online. */
  readonly online: readonly string[]
  /** ID52s of identities that went offline. */
  readonly offline: readonly string[]
  /** Names of services that were started, or replaced. */
  readonly started: readonly string[]
  /** Names of services that the configuration no longer has, or whose identity is offline. */
  readonly stopped: readonly string[]
  /** How many services were left alone. */
  readonly kept: number
}
