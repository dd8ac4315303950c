import type { BindingError } from '../native/binding-types.js'
import { onConnectionEnd } from './connection-end.js'
import type { ConnectionState } from './endpoint-state.js'
import type { SendEndWatch } from './send-end-watch.js'

/**
 * Ends a web or Node stream whose stream has failed. `isLost`: the peer takes no more, or the connection has ended, but what arrived
 * before may still be read.
 */
export type CheckAdapter = (isLost: boolean) => void

/** A stream that adapters use. */
interface AdaptedStream {
  readonly connection: ConnectionState
  readonly over: boolean
  readonly writeOver: boolean
  readonly failure: BindingError | null
  readonly sendEnd: SendEndWatch
}

const forgotten = new FinalizationRegistry<() => void>(cancel => cancel())

/** The web and Node streams that use a stream (adapters). */
export class StreamAdapters {
  readonly #stream: AdaptedStream
  readonly #checks = new Set<CheckAdapter>()
  // Later: an adapter that is being made cannot end yet.
  readonly #onSendEnd = () => queueMicrotask(() => this.check(true))
  #cancel: (() => void) | undefined
  #onEnded: (() => void) | undefined

  constructor(stream: AdaptedStream) {
    this.#stream = stream
  }

  get size(): number {
    return this.#checks.size
  }

  /** Adds an adapter, and watches the stream and its connection for it. Returns a function that removes it. */
  add(check: CheckAdapter): () => void {
    this.#checks.add(check)
    this.#watch()
    return () => {
      if (!this.#checks.delete(check) || this.size > 0) return
      this.#unwatch()
      this.#onEnded?.()
    }
  }

  /** Lets all adapters check the stream after one of its halves failed. */
  check(isLost = false): void {
    for (const check of this.#checks) check(isLost)
  }

  /** Same, for a stream that has failed as a whole. */
  failed(): void {
    this.check()
    this.#onEnded?.()
  }

  /** The sending half is over: nothing can happen to it any more. */
  sendOver(): void {
    this.#stream.sendEnd.setWeak(null)
  }

  /** Resolves once no adapter is left, or none can use the stream: it has failed, or its connection has ended. */
  ended(): Promise<void> {
    if (this.#stream.over && this.#stream.failure !== null) return Promise.resolve()
    return new Promise(resolve => {
      const cancel = onConnectionEnd(this.#stream.connection, resolve)
      this.#onEnded = () => {
        cancel()
        resolve()
      }
    })
  }

  // Weak, so that a stream that the program drops can be garbage-collected, which resets it.
  #watch(): void {
    if (!this.#stream.writeOver) this.#stream.sendEnd.setWeak(this.#onSendEnd)
    if (this.#cancel !== undefined) return
    const weak = new WeakRef(this)
    this.#cancel = onConnectionEnd(this.#stream.connection, () => weak.deref()?.check(true))
    forgotten.register(this, this.#cancel, this)
  }

  #unwatch(): void {
    this.#stream.sendEnd.setWeak(null)
    this.#cancel?.()
    this.#cancel = undefined
    forgotten.unregister(this)
  }
}
