import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { wakeWord } from '../native/wakeups.js'
import { StreamCore } from '../stream/core.js'
import { flushLater } from '../stream/deferred/defer.js'
import type { EndpointState, Prefetched } from '../stream/endpoint-state.js'
import { type Header, headerOf, type Protocol, type ProtocolInput } from '../stream/protocol.js'
import { invalid } from '../util/validate.js'
import { warnDropped } from '../util/warn.js'
import { IncomingQueue, type Takes } from './incoming-queue.js'

// As `GROUP` in the binding: stream, connection, route, stream id.
const group = 4
const batch = 64

/** What one listener serves. */
export interface Served {
  readonly protocols: readonly ProtocolInput[]
  /** Also takes every Generic protocol that nobody else serves. */
  readonly otherwise: boolean
  /** Only the streams of this connection. */
  readonly connection?: number
}

/** Incoming streams of some protocols, from its making until it is closed or the endpoint is. */
export class Listener implements Takes<StreamCore> {
  readonly #endpoint: EndpointState
  readonly #protocols: readonly Protocol[]
  readonly #queue: IncomingQueue
  readonly #ahead = new PrefetchedStreams()
  /** Of the stream taken last: which of the protocols it is for, -1 for none of them. */
  route = -1

  /** A signal that is aborted, now or later, closes it: nothing is thrown. */
  constructor(endpoint: EndpointState, served: Served, signal?: AbortSignal) {
    this.#endpoint = endpoint
    const headers = served.protocols.map(servedHeader)
    this.#protocols = headers.map(header => header.protocol)
    const texts = headers.map(header => header.json)
    const open = () => native().endpointListen(endpoint.handle, served.connection ?? null, texts, served.otherwise)
    // One whose endpoint drains ends by itself, once it has given out what was acknowledged.
    const onAbort = () => endpoint.isDraining || this.close()
    const onDropped = droppedListener(this.#ahead, endpoint.prefetched, texts)
    this.#queue = new IncomingQueue({ phase: 'listen', signal, endpoint, open, onAbort, onDropped })
    this.#ahead.listener = this.#queue.handle
    if (this.#queue.handle !== FAILED) endpoint.prefetched.add(this.#ahead)
  }

  /** The next stream; `undefined` when none waits, `null` when none will come any more. */
  take(): StreamCore | null | undefined {
    const { handle } = this.#queue
    if (handle === FAILED) return null
    const ahead = this.#ahead
    if (ahead.at === ahead.end) {
      ahead.taken ??= new Float64Array(batch * group)
      const count = native().listenerAccept(handle, ahead.taken)
      if (count === FAILED) return this.#ended()
      if (count < 0) return undefined
      ahead.at = 0
      ahead.end = count * group
      for (let at = 0; at < ahead.end; at += group) flushLater(ahead.taken[at] as number)
    }
    return this.#next(ahead.taken as Float64Array)
  }

  /** Waits until {@link take} is worth another try. Keeps the process alive while the endpoint is referenced. */
  wait(): Promise<void> {
    return this.#queue.wait()
  }

  /** Serves no more: new streams and those that wait are refused, or reset with code 0 where they were acknowledged. Idempotent. */
  close(): void {
    this.#ahead.putBack()
    this.#endpoint.prefetched.delete(this.#ahead)
    this.#queue.close()
  }

  #next(taken: Float64Array): StreamCore {
    const at = this.#ahead.at
    this.#ahead.at += group
    const [handle, connection, route, id] = [taken[at], taken[at + 1], taken[at + 2], taken[at + 3]] as Group
    this.route = route
    const protocol = this.#protocols[route] ?? (JSON.parse(native().streamProtocol(handle) ?? 'null') as Protocol)
    this.#endpoint.served?.set(wakeWord(handle, 0), protocol)
    return new StreamCore(handle, this.#endpoint.linkOf(connection, handle), protocol, id, false)
  }

  #ended(): null {
    this.#endpoint.prefetched.delete(this.#ahead)
    return this.#queue.failed()
  }
}

/** Streams taken from the native queue that nobody has asked for yet. Outlives its listener, so that they can be let go. */
class PrefetchedStreams implements Prefetched {
  listener = FAILED
  taken: Float64Array | null = null
  at = 0
  end = 0

  putBack(): void {
    if (this.taken === null || this.at === this.end) return
    native().listenerPutBack(this.listener, this.taken.subarray(this.at, this.end))
    this.at = this.end
  }

  /** They are lost with a listener that was collected. */
  abandon(): void {
    for (; this.at < this.end; this.at += group) native().streamLetGo(this.taken?.[this.at] ?? FAILED, foundByCollector)
  }
}

/** Sent with the reset of a stream that the collector found. */
const foundByCollector = 0x103
const nothing = new Float64Array(0)

/** What happens to a listener that is collected while it still serves. Must not refer to it. */
function droppedListener(
  ahead: PrefetchedStreams,
  prefetched: Set<Prefetched>,
  protocols: readonly string[]
): (handle: number) => void {
  return handle => {
    ahead.abandon()
    prefetched.delete(ahead)
    // One that has ended by itself is over: dropping it loses nothing.
    if (native().listenerAccept(handle, nothing) === FAILED) return
    warnDropped(`a listener for ${protocols.join(', ')}`, 'acceptBi')
  }
}

function servedHeader(protocol: ProtocolInput): Header {
  if (protocol === 'Ping')
    throw invalid('protocols', "others than 'Ping': this library answers it, and no handler sees it")
  return headerOf(protocol)
}

type Group = [handle: number, connection: number, route: number, id: number]

/** The protocols that a call was given: one or several. */
export function listOf(protocols: ProtocolInput | readonly ProtocolInput[]): readonly ProtocolInput[] {
  return Array.isArray(protocols) ? (protocols as readonly ProtocolInput[]) : [protocols as ProtocolInput]
}
