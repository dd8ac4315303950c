/** Requests at once: each holds an open file. */
const maxRequests = 512
/** Of them, those of one peer, so that no peer takes all. */
const maxRequestsPerPeer = 64

/** The place of a request. */
export class Place {
  readonly #leave: () => void
  #hasLeft = false
  /** Whether a body keeps it, which gives it back later. */
  isKept = false

  constructor(leave: () => void) {
    this.#leave = leave
  }

  /** Gives the place back. Idempotent. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#leave()
  }
}

/** Bounds the files that clients keep open. */
export class Places {
  readonly #ofPeer = new Map<string, number>()
  /** Places taken. */
  taken = 0

  /** Takes a place for a request of a peer, or of a local client. `undefined` if there is none. */
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
