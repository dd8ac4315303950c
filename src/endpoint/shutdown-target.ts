import type { Protocol } from '../stream/protocol.js'

/** Work in progress that peers began. */
export interface CutOffWork {
  /** Calls of `listen` with running handlers. */
  readonly listening: number
  /** Running tasks of the native core. */
  readonly tasks: number
  /** Open streams that peers opened. */
  readonly streams: number
  /** Protocols of the streams that a handler or loop has taken. */
  readonly protocols: readonly Protocol[]
}

/** An endpoint, as a shutdown sees it. */
export interface ShutdownTarget {
  readonly isClosing: boolean
  drain(): void
  close(options: { timeout: number }): Promise<number>
  /** From the first `close` on: the work that it cut off. */
  serving(): CutOffWork
}

/** Membership of an endpoint in the shutdown of its {@link Graceful}. */
export interface ShutdownMember {
  /** Makes the shutdown wait for a call of `listen`. */
  listening(closed: Promise<void>): void
  /** Removes a closed endpoint. No-op during a shutdown, which has yet to report it. */
  leave(): void
}
