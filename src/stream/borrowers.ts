import { onConnectionEnd } from './connection-end.js'
import type { Link } from './endpoint-state.js'

/**
 * Ends a web or Node stream whose stream has failed. `isLost`: the connection has ended, but what arrived before may still be read.
 */
export type CheckBorrower = (isLost: boolean) => void

const forgotten = new FinalizationRegistry<() => void>(cancel => cancel())

/** The web and Node streams that use a stream. */
export class Borrowers {
  readonly #link: Link
  readonly #checks = new Set<CheckBorrower>()
  #cancel: (() => void) | undefined
  #onReturned: (() => void) | undefined

  constructor(link: Link) {
    this.#link = link
  }

  get size(): number {
    return this.#checks.size
  }

  /** Adds a borrower, and watches the connection for it. Returns a function that removes it. */
  add(check: CheckBorrower): () => void {
    this.#checks.add(check)
    this.#watch()
    return () => {
      if (!this.#checks.delete(check) || this.size > 0) return
      this.#unwatch()
      this.#onReturned?.()
    }
  }

  /** Lets all borrowers look at the stream, a half of which has failed. */
  check(isLost = false): void {
    for (const check of this.#checks) check(isLost)
  }

  /** Same, for a stream that has failed as a whole. */
  failed(): void {
    this.check()
    this.#onReturned?.()
  }

  /** Resolves once no borrower is left, or none can use the stream: it has failed, or its connection has ended. */
  returned(): Promise<void> {
    return new Promise(resolve => {
      const cancel = onConnectionEnd(this.#link, resolve)
      this.#onReturned = () => {
        cancel()
        resolve()
      }
    })
  }

  // Weak: the garbage collector is the last net under streams that a program drops.
  #watch(): void {
    if (this.#cancel !== undefined) return
    const weak = new WeakRef(this)
    this.#cancel = onConnectionEnd(this.#link, () => weak.deref()?.check(true))
    forgotten.register(this, this.#cancel, this)
  }

  #unwatch(): void {
    this.#cancel?.()
    this.#cancel = undefined
    forgotten.unregister(this)
  }
}
