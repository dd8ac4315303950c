import { native } from '../native/addon.js'

/** The native handle of a {@link KeepConnected}. */
export class KeptPeer {
  readonly id52: string
  #handle: number | null
  readonly #signal: AbortSignal | undefined
  readonly #end = () => this.close()

  constructor(handle: number, id52: string, signal: AbortSignal | undefined) {
    this.#handle = handle
    this.id52 = id52
    this.#signal = signal
    signal?.addEventListener('abort', this.#end, { once: true })
  }

  close(): void {
    if (this.#handle === null) return
    this.#signal?.removeEventListener('abort', this.#end)
    native().handleRelease(this.#handle)
    this.#handle = null
  }
}
