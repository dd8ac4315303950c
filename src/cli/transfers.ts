import type { PeerStream } from '../index.js'
import { TransferError } from './transfer/messages.js'

/** Maximum concurrent transfers. More are refused. */
const maxTransfers = 16
/** Timeout of the offer. */
const offerMs = 60_000
/** Idle timeout of a transfer, which would otherwise hold its slot. */
const idleMs = 600_000

/** Timeout that ends a transfer with an idle peer. */
export class IdleLimit {
  readonly #controller = new AbortController()
  readonly #timer: { refresh(): unknown }

  private constructor(ms: number) {
    const message = `the sender was silent for ${ms / 1000} s`
    const timer = setTimeout(() => this.#controller.abort(new TransferError('cancelled', message)), ms)
    this.#timer = timer.unref()
  }

  /** For the offer. */
  static forOffer(): IdleLimit {
    return new IdleLimit(offerMs)
  }

  /** For the files. */
  static forFiles(): IdleLimit {
    return new IdleLimit(idleMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Resets the idle timeout. */
  refresh(): void {
    this.#timer.refresh()
  }
}

/** The transfers in progress. */
export class Transfers {
  readonly #running = new Set<PeerStream>()
  /** By the sender's ID. */
  readonly #byId = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>()

  /** Whether the transfer with this ID is in progress. */
  isActive(id: string): boolean {
    return this.#byId.has(id)
  }

  /** Runs a transfer, unless the limit is reached. */
  async admit(stream: PeerStream, work: () => Promise<void>): Promise<void> {
    if (this.#running.size >= maxTransfers) throw new TransferError('busy', 'the receiver has too many transfers')
    this.#running.add(stream)
    try {
      await work()
    } finally {
      this.#running.delete(stream)
    }
  }

  /**
   * Runs a transfer exclusively by ID, after ending an earlier one, whose sender was killed and restarted before its dead connection was
   * detected.
   */
  async alone(id: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    let earlier = this.#byId.get(id)
    while (earlier !== undefined) {
      earlier.controller.abort(new TransferError('cancelled', 'the sender has started again'))
      await earlier.ended
      earlier = this.#byId.get(id)
    }
    const controller = new AbortController()
    const running = work(controller.signal)
    const ended = running.catch(() => {})
    this.#byId.set(id, { controller, ended })
    try {
      await running
    } finally {
      this.#byId.delete(id)
    }
  }
}
