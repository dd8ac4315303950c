import { FastnNetError } from '../errors.js'

/** Limits of what one peer may have in progress. */
export interface RequestLimits {
  readonly maxRequestsPerPeer: number
  readonly maxBytesPerPeer: number
}

/** The load that each peer puts on one server. */
export class PeerLoads {
  readonly #limits: RequestLimits
  readonly #loads = new Map<string, PeerLoad>()

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  /** Admits a request; `undefined` if the peer has too many. Call {@link release} when its handler has settled. */
  admit(id52: string): PeerLoad | undefined {
    let load = this.#loads.get(id52)
    if (load === undefined) {
      load = new PeerLoad(this.#limits.maxBytesPerPeer)
      this.#loads.set(id52, load)
    } else if (load.requests >= this.#limits.maxRequestsPerPeer) return undefined
    load.requests++
    return load
  }

  /** Why a request was not admitted. */
  get tooMany(): string {
    const { maxRequestsPerPeer } = this.#limits
    return `this peer has ${maxRequestsPerPeer} requests in progress, which is the server's maxRequestsPerPeer: retry later`
  }

  /** Ends a request that had `bytes` reserved. */
  release(id52: string, load: PeerLoad, bytes: number): void {
    load.bytes -= bytes
    if (--load.requests === 0) this.#loads.delete(id52)
  }
}

/** Requests of one peer in progress, and the memory reserved for them. */
export class PeerLoad {
  readonly #maxBytes: number
  requests = 0
  bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Reserves memory for a long message.
   *
   * @throws {FastnNetError} `ERR_BUSY`.
   */
  reserve(bytes: number): void {
    if (this.bytes + bytes > this.#maxBytes) {
      const message = `the long requests of this peer take more than ${this.#maxBytes} bytes of memory, which is the server's maxBytesPerPeer: retry later`
      throw new FastnNetError('ERR_BUSY', message)
    }
    this.bytes += bytes
  }

  /**
   * Checks that a message of this size fits the limit by itself.
   *
   * @throws {FastnNetError} `ERR_LINE_TOO_LONG`.
   */
  checkSize(bytes: number): void {
    if (bytes <= this.#maxBytes) return
    const message = `a message would take ${bytes} bytes of memory once parsed, and ${this.#maxBytes} are allowed: send it in parts, as items or on a stream, or raise maxBytesPerPeer`
    throw new FastnNetError('ERR_LINE_TOO_LONG', message)
  }
}
