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

/** Bounds the files that peers keep open. */
export class Places {
  readonly #ofPeer = new Map<string, number>()
  /** Places taken. */
  taken = 0

  /** Takes a place for a request of the peer. `undefined` if there is none. */
  take(peer: string): Place | undefined {
    const own = this.#ofPeer.get(peer) ?? 0
    if (this.taken >= maxRequests || own >= maxRequestsPerPeer) return undefined
    this.taken++
    this.#ofPeer.set(peer, own + 1)
    return new Place(() => this.#leave(peer))
  }

  #leave(peer: string): void {
    this.taken--
    const left = (this.#ofPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#ofPeer.delete(peer)
    else this.#ofPeer.set(peer, left)
  }
}
