import type { PeerStream } from '../index.js'
import { TransferError } from './transfer/messages.js'

/** Transfers at once. More are refused. */
const maxTransfers = 16
/** Time to offer the files. */
const offerMs = 60_000
/** Time without a byte after which a transfer ends, so that it does not keep its place. */
const idleMs = 600_000

/** Ends a transfer whose peer is silent. */
export class IdleLimit {
  readonly #controller = new AbortController()
  readonly #timer: { refresh(): unknown }

  private constructor(ms: number) {
    const message = `the sender was silent for ${ms / 1000} s`
    const timer = setTimeout(() => this.#controller.abort(new TransferError('cancelled', message)), ms)
    this.#timer = timer.unref()
  }

  /** For the list of files. */
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

  /** The peer was not silent. */
  refresh(): void {
    this.#timer.refresh()
  }
}

/** The transfers that run. */
export class Transfers {
  readonly #running = new Set<PeerStream>()
  /** By the id that their sender gave them. */
  readonly #byId = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>()

  /** Whether the transfer of this id runs. */
  isActive(id: string): boolean {
    return this.#byId.has(id)
  }

  /** Runs a transfer, if there is room for one more. */
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
   * Runs the only transfer of this id: an earlier one ends first. Its sender was killed and has started again before its connection was
   * found to be dead.
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
