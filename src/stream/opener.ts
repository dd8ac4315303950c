import { native } from '../native/addon.js'

/** What streams are opened through: a peer, or one connection. */
export interface Opener {
  /** Whether it makes a connection where there is none. */
  readonly dials: boolean
  readonly id52: string
  /** A stream if one can be had at once; its connection and its own number go into `ids`. */
  tryOpen(line: Uint8Array, hasExtra: boolean, ids: Float64Array): number
  /** An operation that opens one with all that takes. */
  startOpen(line: Uint8Array, hasExtra: boolean, awaitAck: boolean, retry: boolean, timeout: number): number
}

/** A peer that an endpoint knows. */
export class KnownPeer implements Opener {
  readonly dials = true
  readonly handle: number
  readonly id52: string

  constructor(handle: number, id52: string) {
    this.handle = handle
    this.id52 = id52
  }

  tryOpen(line: Uint8Array, hasExtra: boolean, ids: Float64Array): number {
    return native().openTry(this.handle, line, hasExtra, ids)
  }

  startOpen(line: Uint8Array, hasExtra: boolean, awaitAck: boolean, retry: boolean, timeout: number): number {
    return native().openStart(this.handle, line, hasExtra, awaitAck, retry, timeout)
  }
}

/** One connection, which does not dial. */
export class HeldConnection implements Opener {
  readonly dials = false
  readonly #handle: number
  readonly id52: string

  constructor(handle: number, id52: string) {
    this.#handle = handle
    this.id52 = id52
  }

  tryOpen(line: Uint8Array, hasExtra: boolean, ids: Float64Array): number {
    return native().connectionOpenTry(this.#handle, line, hasExtra, ids)
  }

  startOpen(line: Uint8Array, hasExtra: boolean, awaitAck: boolean, _retry: boolean, timeout: number): number {
    return native().connectionOpenStart(this.#handle, line, hasExtra, awaitAck, timeout)
  }
}
