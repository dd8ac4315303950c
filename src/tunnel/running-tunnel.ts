import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import type { WaitOwner } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { abortable } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'

/** The native half of a {@link Tunnel}, whose handle it takes over. `scheme`: of the URL. The signal closes the tunnel. */
export class RunningTunnel {
  readonly #endpoint: EndpointState
  readonly #handle: number
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.#close(this.#endpoint.options.closeTimeout)
  #hasClosed = false
  /** Decides whether the tunnel keeps the process alive. */
  readonly owner: WaitOwner = { keepsAlive: true, waiting: 0 }
  readonly address: string | null
  readonly port: number | null
  readonly url: string | null
  readonly closed: Promise<void>

  constructor(endpoint: EndpointState, handle: number, scheme: string, signal: AbortSignal | undefined) {
    this.#endpoint = endpoint
    this.#handle = handle
    this.#signal = signal
    this.address = native().tunnelAddress(handle)
    this.port = portOf(this.address)
    this.url = this.port === null ? null : `${scheme}://${this.address}`
    this.closed = this.#run(native().tunnelClosed(handle))
    if (signal !== undefined) onAbort(signal, this.#onAbort)
  }

  async #run(closed: number): Promise<void> {
    try {
      await outcomeOf(closed, { phase: 'tunnel' }, undefined, this.owner)
    } finally {
      this.#hasClosed = true
      if (this.#signal !== undefined) offAbort(this.#signal, this.#onAbort)
      native().handleRelease(this.#handle)
    }
  }

  get connections(): number {
    return native().tunnelConnections(this.#handle)
  }

  /** See {@link Tunnel.close}. */
  async close(options: TimeoutOptions): Promise<void> {
    const timeout = timeoutOf(options, this.#endpoint.options.closeTimeout)
    throwIfAborted(options.signal)
    this.#close(timeout)
    await abortable(this.closed, options.signal)
  }

  #close(timeout: number): void {
    if (this.#hasClosed) return
    // Settles with `closed`.
    outcomeOf(native().tunnelClose(this.#handle, timeout), { phase: 'tunnel' }, undefined, this.owner).catch(() => {})
  }
}

function portOf(address: string | null): number | null {
  if (address === null || address.startsWith('unix:')) return null
  return Number(address.slice(address.lastIndexOf(':') + 1))
}
