import type { KnownPeer } from '../connection/endpoint-state.js'
import { FAILED, native } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { showAs } from '../util/inspect.js'

/** A peer that is kept connected, until this is disposed or the endpoint closed; dropping it ends nothing. Made by {@link Endpoint.keep}. */
export class KeptPeer implements Disposable, AsyncDisposable {
  /** ID52 of the peer. */
  readonly id52: string
  #handle: number | null
  readonly #signal: AbortSignal | undefined
  readonly #end = () => this[Symbol.dispose]()

  private constructor(handle: number, id52: string, signal: AbortSignal | undefined) {
    this.#handle = handle
    this.id52 = id52
    this.#signal = signal
    signal?.addEventListener('abort', this.#end, { once: true })
  }

  /** @internal */
  static of(peer: KnownPeer, signal: AbortSignal | undefined): KeptPeer {
    const handle = native().peerKeep(peer.handle)
    if (handle === FAILED) throw lastFailure({ peer: peer.id52, phase: 'keep' })
    return new KeptPeer(handle, peer.id52, signal)
  }

  /** Ends it; the connection stays as long as it is used. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#handle === null) return
    this.#signal?.removeEventListener('abort', this.#end)
    native().handleRelease(this.#handle)
    this.#handle = null
  }

  /** The same. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]()
  }

  static {
    showAs(this, self => `KeptPeer(${self.id52})`)
  }
}
