import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { wakeWord } from '../native/wakeups.js'
import { flushLater } from '../stream/deferred/defer.js'
import type { EndpointState, Prefetched } from '../stream/endpoint-state.js'
import { type Header, headerOf } from '../stream/header.js'
import { type Protocol, protocolFrom } from '../stream/protocol.js'
import { StreamState } from '../stream/stream-state.js'
import { type CancelOptions, signalOf } from '../types.js'
import { invalid } from '../util/validate.js'
import { warnDropped } from '../util/warn.js'
import { IncomingQueue } from './incoming-queue.js'
import type { QueueSteps } from './queue-iterator.js'
import { stepsOf, type TakeQueue } from './queue-steps.js'

// `GROUP` in the binding: stream, connection, route, stream id.
const group = 4
/** Streams taken by one native call. */
const batch = 64
const full = batch * group

/** Streams that a queue serves. */
export interface ServedProtocols {
  readonly headers: readonly Header[]
  /** Whether to also serve Generic protocols that have no listener. */
  readonly fallback: boolean
  /** Serves this connection only. */
  readonly connection?: number | undefined
}

/** Steps over the streams of these protocols, for `acceptBi`. `connection`: of this connection only. `wrap` makes what the loop yields. */
export function streamSteps<Stream>(
  endpoint: EndpointState,
  protocols: Protocol | readonly Protocol[],
  options: CancelOptions,
  wrap: (state: StreamState) => Stream,
  connection?: number
): QueueSteps<Stream> {
  const served = { headers: servedHeaders(protocols), fallback: false, connection }
  return stepsOf(new StreamQueue(endpoint, served, signalOf(options)), wrap)
}

/** Queue of incoming streams. Serves protocols from construction until the queue or the endpoint closes. */
export class StreamQueue implements TakeQueue<StreamState> {
  readonly #endpoint: EndpointState
  readonly #protocols: readonly Protocol[]
  readonly #queue: IncomingQueue
  readonly #ahead = new PrefetchedStreams()
  /** Index of the protocol of the last taken stream; -1 for a fallback stream. */
  route = -1

  /** Aborting the signal, now or later, closes the queue without an error. */
  constructor(endpoint: EndpointState, served: ServedProtocols, signal?: AbortSignal) {
    this.#endpoint = endpoint
    this.#protocols = served.headers.map(header => header.protocol)
    const texts = served.headers.map(header => header.json)
    const open = () => native().endpointListen(endpoint.handle, served.connection ?? null, texts, served.fallback)
    const onAbort = () => this.stop()
    const onDropped = droppedQueue(this.#ahead, endpoint.prefetched, texts)
    this.#queue = new IncomingQueue({ phase: 'listen', signal, endpoint, open, onAbort, onDropped })
    this.#ahead.listener = this.#queue.handle
    if (this.#queue.handle !== FAILED) endpoint.prefetched.add(this.#ahead)
  }

  /** Returns the next stream; `undefined` if none is queued, `null` if no more can come. */
  take(): StreamState | null | undefined {
    const { handle } = this.#queue
    if (handle === FAILED) return null
    const ahead = this.#ahead
    if (ahead.at === ahead.end) {
      ahead.taken ??= new Float64Array(full)
      const count = native().listenerAccept(handle, ahead.taken)
      if (count === FAILED) return this.#ended()
      if (count < 0) return undefined
      ahead.at = 0
      ahead.end = count * group
      for (let at = 0; at < ahead.end; at += group) flushLater(ahead.taken[at] as number)
    }
    return this.#next(ahead.taken as Float64Array)
  }

  /**
   * Whether the last {@link take} has emptied the queue, so that {@link wait} may follow without another one. Only in the same turn of the
   * event loop.
   */
  get isEmptied(): boolean {
    const { at, end } = this.#ahead
    return at === end && end < full && this.#queue.handle !== FAILED
  }

  /** Waits until another {@link take} may succeed. Keeps the process alive while the endpoint is referenced. */
  wait(): Promise<void> {
    return this.#queue.wait()
  }

  /** Like {@link close}, but while the endpoint drains, the queue ends by itself, after the acknowledged streams. */
  stop(): void {
    if (!this.#endpoint.isDraining) this.close()
  }

  /** Stops serving. Refuses new and queued streams, and resets acknowledged ones with code 0. Idempotent. */
  close(): void {
    this.#ahead.putBack()
    this.#endpoint.prefetched.delete(this.#ahead)
    this.#queue.close()
  }

  #next(taken: Float64Array): StreamState {
    const at = this.#ahead.at
    this.#ahead.at += group
    const [handle, connection, route, id] = [taken[at], taken[at + 1], taken[at + 2], taken[at + 3]] as Group
    this.route = route
    const protocol = this.#protocols[route] ?? protocolFrom(native().streamProtocol(handle) ?? '""')
    this.#endpoint.served?.set(wakeWord(handle, 0), protocol)
    return new StreamState(handle, this.#endpoint.connectionOf(connection, handle), protocol, id)
  }

  #ended(): null {
    this.#endpoint.prefetched.delete(this.#ahead)
    return this.#queue.failed()
  }
}

/** Streams taken from the native queue ahead of demand. Separate from its owner, to release them after that is collected. */
class PrefetchedStreams implements Prefetched {
  listener = FAILED
  taken: Float64Array | null = null
  at = full
  /** Below {@link full}, the native call has emptied the queue, and wakes for the next stream. */
  end = full

  putBack(): void {
    if (this.taken === null || this.at === this.end) return
    native().listenerPutBack(this.listener, this.taken.subarray(this.at, this.end))
    this.at = full
    this.end = full
  }

  /** Resets the streams of a garbage-collected queue. */
  abandon(): void {
    for (; this.at < this.end; this.at += group)
      native().streamAbandon(this.taken?.[this.at] ?? FAILED, foundByCollector)
  }
}

/** Reset code of a stream whose owner was garbage-collected. */
const foundByCollector = 0x103
const nothing = new Float64Array(0)

/** Cleans up after a queue that was garbage-collected while it served. Must not refer to it. */
function droppedQueue(
  ahead: PrefetchedStreams,
  prefetched: Set<Prefetched>,
  protocols: readonly string[]
): (handle: number) => void {
  return handle => {
    ahead.abandon()
    prefetched.delete(ahead)
    // The queue had already ended: nothing is lost.
    if (native().listenerAccept(handle, nothing) === FAILED) return
    warnDropped(`a listener for ${protocols.join(', ')}`, 'acceptBi')
  }
}

type Group = [handle: number, connection: number, route: number, id: number]

/**
 * Header of a protocol to serve.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` also for `'Ping'`.
 */
export function servedHeader(protocol: Protocol): Header {
  if (protocol === 'Ping')
    throw invalid('protocols', "other than 'Ping': the library answers pings, and no handler receives them")
  return headerOf(protocol)
}

/** Headers of one or several protocols to serve. */
export function servedHeaders(protocols: Protocol | readonly Protocol[]): readonly Header[] {
  if (!Array.isArray(protocols)) return [servedHeader(protocols as Protocol)]
  if (protocols.length === 0)
    throw new FastnNetError('ERR_INVALID_ARGUMENT', "protocols must have at least one, such as 'Echo'")
  return Array.from(protocols as readonly Protocol[], servedHeader)
}
