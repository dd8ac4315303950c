import { native } from '../native/addon.js'
import { outcomeOf } from '../native/operations.js'
import { wakeWord } from '../native/wakeups.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type TimeoutOptions, timeoutOf } from '../types.js'
import { abortable, deadline } from '../util/timeout.js'
import { throwIfAborted } from '../util/validate.js'
import { closingBeforeExit, forgetAtExit } from './exit.js'
import { type Graceful, joinShutdown } from './graceful.js'
import type { CutOffWork, ShutdownMember } from './shutdown-target.js'

/** Closes an endpoint once, by itself or in the shutdown of its {@link Graceful}. */
export class Closing {
  readonly #state: EndpointState
  readonly #shutdown: ShutdownMember | undefined
  readonly #graceful: Graceful | undefined
  // Listeners that have running handlers, or may get some.
  readonly #listens = new Set<Promise<void>>()
  // Work that closing cut off, for the shutdown report.
  #cutOff: CutOffWork | undefined
  // Shared by all callers of `close`, so that it settles for them in call order.
  #closed: Promise<number> | undefined

  constructor(state: EndpointState, graceful: Graceful | undefined) {
    this.#state = state
    this.#graceful = graceful
    if (graceful === undefined) return
    state.served = new Map()
    this.#shutdown = joinShutdown(graceful, {
      get isClosing() {
        return state.closing.aborted
      },
      drain: () => state.drain(),
      close: ({ timeout }) => this.#closeWithin(timeout),
      serving: () => this.#cutOff ?? serving(state)
    })
  }

  /** Makes a shutdown wait for running handlers before it closes the endpoint. */
  listening(closed: Promise<void>): void {
    this.#shutdown?.listening(closed)
    this.#listens.add(closed)
    const forget = () => void this.#listens.delete(closed)
    closed.then(forget, forget)
  }

  /** Resolves once running handlers have returned, or a shutdown in progress no longer waits for them. At once without a shutdown. */
  async handlersInShutdown(): Promise<void> {
    if (this.#graceful?.cancelled.aborted !== true || this.#closed !== undefined) return
    await Promise.race([this.#graceful.shutdown(), Promise.allSettled(this.#listens)])
  }

  /** See {@link Endpoint.close}. */
  async close(options: TimeoutOptions): Promise<number> {
    const timeout = timeoutOf(options, this.#state.options.closeTimeout)
    throwIfAborted(options.signal)
    return await abortable(this.#closeWithin(timeout), options.signal)
  }

  /**
   * `timeout`: limit of the delivery of finished streams, pending calls of `finish` included. Only the first call's counts.
   * Resolves with the number of finished streams that were not acknowledged in time.
   */
  #closeWithin(timeout: number): Promise<number> {
    this.#closed ??= this.#close(timeout)
    return this.#closed
  }

  // Takes no signal: a native operation that is cancelled before it starts would close nothing.
  async #close(timeout: number): Promise<number> {
    const { handle } = this.#state
    closingBeforeExit(handle)
    if (this.#shutdown !== undefined) this.#cutOff = serving(this.#state)
    this.#state.beginClosing()
    // Before the first await: what is called after `close` opens nothing.
    native().endpointRefuseNewWork(handle)
    const { left, unfinished } = await this.#letFinish(timeout)
    const { number } = await outcomeOf(native().endpointClose(handle, left), { phase: 'close' })
    forgetAtExit(handle)
    this.#state.forgetPeers()
    await outcomeOf(native().endpointPortsReleased(handle), { phase: 'close' })
    // Last, because a concurrent shutdown waits for this close.
    this.#shutdown?.leave()
    return (number as number) + unfinished
  }

  /** Waits for pending calls of `finish`. Returns what is left of the timeout, and how many still wait. */
  async #letFinish(timeout: number): Promise<{ left: number; unfinished: number }> {
    const { finishing } = this.#state
    if (finishing.count === 0 || timeout === 0) return { left: timeout, unfinished: finishing.count }
    const began = performance.now()
    const limit = deadline(timeout)
    await Promise.race([finishing.ended(), limit.passed])
    limit.stop()
    return { left: Math.ceil(Math.max(timeout - (performance.now() - began), 0)), unfinished: finishing.count }
  }
}

function serving({ handle, served, activeListens }: EndpointState): CutOffWork {
  const streams = native().endpointServing(handle)
  const protocols = streams.flatMap(stream => served?.get(wakeWord(stream, 0)) ?? [])
  return {
    listening: activeListens,
    tasks: native().endpointTasks(handle),
    streams: streams.length + native().endpointQueued(handle),
    protocols
  }
}
