import type { Delivery, Queue } from '../queue/queue.js'

/** State of a peer with queued mail. */
export class PeerQueue {
  readonly id52: string
  readonly #queue: Queue
  /** Deliveries in progress, by sequence number. */
  readonly #inFlight = new Set<number>()
  #ready: Delivery[] = []
  /** Attempts in progress. */
  active = 0
  /** Whether the last attempt reached the peer, or the peer is connected. */
  isReached = false
  /** Failed attempts since the peer was last reached. */
  failures = 0
  /** Known due time of the next delivery. */
  dueAt = 0
  /** Earliest time of the next attempt. */
  notBefore = 0
  /** Why the last attempt did not reach it; empty if it did. */
  reason = ''

  constructor(id52: string, queue: Queue) {
    this.id52 = id52
    this.#queue = queue
  }

  /** Takes the oldest due delivery; `undefined` without any. Reads small batches, so that a long queue does not use memory. */
  take(now: number): Delivery | undefined {
    if (this.#ready.length === 0) {
      const found = this.#queue.due(this.id52, now, this.#inFlight.size + 16)
      this.#ready = found.filter(({ seq }) => !this.#inFlight.has(seq))
    }
    const next = this.#ready.shift()
    if (next !== undefined) this.#inFlight.add(next.seq)
    return next
  }

  /** Ends an attempt. */
  release({ seq }: Delivery): void {
    this.#inFlight.delete(seq)
  }

  /** Discards cached rows after the queue has changed. */
  forget(): void {
    this.#ready = []
  }

  /** Whether no delivery is in progress or being recorded. */
  get isIdle(): boolean {
    return this.#inFlight.size === 0
  }

  /** Whether a delivery is in progress. */
  isInFlight({ seq }: Delivery): boolean {
    return this.#inFlight.has(seq)
  }
}
