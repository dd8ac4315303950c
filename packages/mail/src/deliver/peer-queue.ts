import type { Delivery, Queue } from '../queue/queue.js'

/** What the deliverer knows of a peer that has mail in the queue. */
export class PeerQueue {
  readonly id52: string
  readonly #queue: Queue
  /** Deliveries under way, by their number. */
  readonly #inFlight = new Set<number>()
  #ready: Delivery[] = []
  /** Attempts under way. */
  active = 0
  /** Whether the last attempt reached the peer, or it is known to be connected. */
  isReached = false
  /** Attempts since it was last reached. */
  failures = 0
  /** When its next delivery is due, as far as is known. */
  dueAt = 0
  /** No attempt before this time. */
  notBefore = 0
  /** Why the last attempt did not reach it; empty if it did. */
  reason = ''

  constructor(id52: string, queue: Queue) {
    this.id52 = id52
    this.#queue = queue
  }

  /** Takes the oldest delivery that is due; `undefined` without any. Reads a few at a time, so that a long queue takes no memory. */
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

  /** Forgets what was read of the queue, whose rows have changed. */
  forget(): void {
    this.#ready = []
  }

  /** Whether no delivery is under way, and none is being written down. */
  get isIdle(): boolean {
    return this.#inFlight.size === 0
  }

  /** Whether a delivery is under way. */
  isInFlight({ seq }: Delivery): boolean {
    return this.#inFlight.has(seq)
  }
}
