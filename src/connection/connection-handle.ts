import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import type { BindingConnectionInfo } from '../native/binding-types.js'
import { failure, lastFailure, localFailure } from '../native/failure.js'
import { releaseWithOwner } from '../native/finalizers.js'
import { outcomeOf } from '../native/operations.js'
import { never } from '../native/wakeups.js'
import type { ConnectionState, EndpointState } from '../stream/endpoint-state.js'
import { openStream } from '../stream/open.js'
import { HeldConnection } from '../stream/opener.js'
import type { Protocol } from '../stream/protocol.js'
import type { StreamState } from '../stream/stream-state.js'
import {
  type CancelOptions,
  type ConnectionClosed,
  type ConnectionPath,
  type ConnectionStats,
  type OpenOptions,
  openNames
} from '../types.js'
import { applicationCode } from '../util/application-code.js'
import { jsonSafe } from '../util/display.js'
import { checkOptions, invalid } from '../util/validate.js'
import type { QueueSteps } from './queue-iterator.js'
import { streamSteps } from './stream-queue.js'

/** A handle that does not hold off the idle timeout of the connection. */
export function observe({ endpoint, id, id52 }: ConnectionState): ConnectionHandle {
  const handle = native().connectionView(endpoint.handle, id)
  if (handle === FAILED) throw lastFailure({ peer: id52, phase: 'connection' })
  return new ConnectionHandle(endpoint, handle)
}

/** The native half of a {@link Connection}, whose handle it takes over. */
export class ConnectionHandle {
  readonly #endpoint: EndpointState
  readonly #handle: number
  readonly info: BindingConnectionInfo
  #disposed = false
  #closed: Promise<ConnectionClosed> | undefined

  constructor(endpoint: EndpointState, handle: number) {
    const info = native().connectionInfo(handle)
    if (info === null) throw lastFailure({ phase: 'connection' })
    this.#endpoint = endpoint
    this.#handle = handle
    this.info = info
    releaseWithOwner(this, handle)
  }

  get rtt(): number | null {
    return native().connectionRtt(this.#handle)
  }

  get paths(): readonly ConnectionPath[] {
    return native().connectionPaths(this.#handle)
  }

  stats(): ConnectionStats {
    this.#checkHeld('stats')
    const stats = native().connectionStats(this.#handle)
    if (stats === null) throw lastFailure({ peer: this.info.id52, phase: 'stats' })
    return stats
  }

  /** `wrap` makes the object that users see. */
  accept<Stream>(
    protocols: Protocol | readonly Protocol[],
    options: CancelOptions,
    wrap: (state: StreamState) => Stream
  ): QueueSteps<Stream> {
    return streamSteps(this.#endpoint, protocols, options, wrap, this.info.id)
  }

  /** `wrap` makes the object that users see. */
  async open<Stream>(protocol: Protocol, options: OpenOptions, wrap: (state: StreamState) => Stream): Promise<Stream> {
    checkOptions(options, openNames)
    this.#checkHeld('open')
    const opener = new HeldConnection(this.#handle, this.info.id52)
    return await openStream(this.#endpoint, opener, protocol, options, wrap)
  }

  get closed(): Promise<ConnectionClosed> {
    this.#closed ??= this.#waitForClose()
    return this.#closed
  }

  close(code: number | bigint, reason: string): void {
    if (typeof (reason as unknown) !== 'string') throw invalid('reason', 'a string')
    native().connectionClose(this.#handle, applicationCode(code, 'code'), reason)
  }

  dispose(): void {
    this.#disposed = true
    native().connectionDispose(this.#handle)
  }

  #checkHeld(phase: string): void {
    if (this.#disposed)
      throw failure(localFailure('ERR_CLOSED', 'this connection handle is disposed'), { peer: this.info.id52, phase })
  }

  async #waitForClose(): Promise<ConnectionClosed> {
    try {
      const { closed } = await outcomeOf(native().connectionClosed(this.#handle), {}, undefined, never)
      const result = closed as ConnectionClosed
      return typeof result.code === 'bigint' ? jsonSafe(result) : result
    } catch (error) {
      return { code: 0, reason: error instanceof Error ? error.message : String(error), by: 'local' }
    }
  }
}
