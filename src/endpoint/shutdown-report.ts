import type { Protocol } from '../stream/protocol.js'

/** Work that a shutdown left unfinished. */
export interface ShutdownReport {
  /** Whether all work ended and all finished streams were delivered. */
  readonly clean: boolean
  /** Spawned work that still ran, plus calls of `listen` with running handlers, plus tasks of the native core. */
  readonly unfinished: number
  /** The work counted in `unfinished`, by name. */
  readonly work: readonly {
    /** Name passed to `spawn`, `'listen'`, or `'native task'`. */
    readonly name: string
    /** Amount of work with this name. */
    readonly count: number
  }[]
  /** The first 100 failures of spawned work. Rejecting with the reason of `cancelled` is not a failure. Does not affect `clean`. */
  readonly failures: readonly {
    /** Name passed to `spawn`, or `'listen'`. */
    readonly name: string
    /** What the work threw. */
    readonly error: unknown
  }[]
  /** Streams opened by peers that were cut off. */
  readonly openStreams: number
  /** The streams of `openStreams` that a handler or loop had taken, by protocol. */
  readonly streams: readonly {
    /** Protocol of the streams. */
    readonly protocol: Protocol
    /** Number of streams. */
    readonly count: number
  }[]
  /** Finished streams that were not acknowledged in time. */
  readonly unacknowledged: number
  /** Endpoints still notifying peers. They close later: a silent peer can take 3 s. */
  readonly unclosed: number
}
