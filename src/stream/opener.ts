import { native } from '../native/addon.js'

/** Opens streams: a peer, or one connection. */
export interface Opener {
  /** Whether it dials when there is no connection. */
  readonly dials: boolean
  readonly id52: string
  /**
   * Opens a stream if that takes no waiting. Writes the connection's number and the stream's id into `ids`. `timeout`: time limit in
   * milliseconds.
   */
  tryOpen(line: Uint8Array, flags: number, timeout: number, ids: Float64Array): number
  /** Starts an operation that opens a stream, however long it takes. */
  startOpen(line: Uint8Array, flags: number, timeout: number): number
  /** Keeps the opener usable until {@link release}, even if the endpoint forgets its peer. */
  hold(): void
  release(): void
}

/** A peer that the endpoint tracks. */
export class TrackedPeer implements Opener {
  readonly dials = true
  readonly handle: number
  readonly id52: string
  #holds = 0
  #whenReleased: (() => void) | undefined

  constructor(handle: number, id52: string) {
    this.handle = handle
    this.id52 = id52
  }

  tryOpen(line: Uint8Array, flags: number, timeout: number, ids: Float64Array): number {
    return native().openTry(this.handle, line, flags, timeout, ids)
  }

  startOpen(line: Uint8Array, flags: number, timeout: number): number {
    return native().openStart(this.handle, line, flags, timeout)
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    if (--this.#holds === 0) this.#whenReleased?.()
  }

  /** The endpoint tracks it no longer. Calls `release` once no call holds it. */
  forget(release: () => void): void {
    if (this.#holds === 0) release()
    else this.#whenReleased = release
  }
}

/** The connection of a view. Never dials, and so never opens a stream again. */
export class HeldConnection implements Opener {
  readonly dials = false
  readonly #handle: number
  readonly id52: string

  constructor(handle: number, id52: string) {
    this.#handle = handle
    this.id52 = id52
  }

  tryOpen(line: Uint8Array, flags: number, timeout: number, ids: Float64Array): number {
    return native().connectionOpenTry(this.#handle, line, flags, timeout, ids)
  }

  startOpen(line: Uint8Array, flags: number, timeout: number): number {
    return native().connectionOpenStart(this.#handle, line, flags, timeout)
  }

  // The owner of the handle keeps it usable.
  hold(): void {}

  release(): void {}
}
