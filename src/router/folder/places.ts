/** Maximum concurrent requests; each holds an open file. */
const maxRequests = 512
/** Maximum per peer, so that one peer cannot use all of them. */
const maxRequestsPerPeer = 64

/** Permit of a request. */
export class Place {
  readonly #leave: () => void
  #hasLeft = false
  /** Whether a body holds it and releases it later. */
  isKept = false

  constructor(leave: () => void) {
    this.#leave = leave
  }

  /** Releases the permit. Idempotent. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#leave()
  }
}

/** Bounds the number of open files. */
export class Places {
  readonly #ofPeer = new Map<string, number>()
  /** Permits in use. */
  taken = 0

  /** Acquires a permit for a request of a peer or a local client. `undefined` if none is free. */
  take(peer: string | undefined): Place | undefined {
    if (peer === undefined) return this.#take(() => {})
    const own = this.#ofPeer.get(peer) ?? 0
    if (own >= maxRequestsPerPeer) return undefined
    const place = this.#take(() => this.#leave(peer))
    if (place !== undefined) this.#ofPeer.set(peer, own + 1)
    return place
  }

  #take(leave: () => void): Place | undefined {
    if (this.taken >= maxRequests) return undefined
    this.taken++
    return new Place(() => {
      this.taken--
      leave()
    })
  }

  #leave(peer: string): void {
    const left = (this.#ofPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#ofPeer.delete(peer)
    else this.#ofPeer.set(peer, left)
  }
}
