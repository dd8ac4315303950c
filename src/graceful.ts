import { positive, texts } from './bridge/validate.js'
import { defaults } from './options.js'

/** How a {@link Graceful} is triggered. */
export interface GracefulOptions {
  /** Signals of the process that shut down: `true` for SIGINT and SIGTERM, or their names. Default: false. */
  signals?: boolean | readonly NodeJS.Signals[]
}

/** What did not end in time. */
export interface ShutdownReport {
  /** Pieces of work given to `spawn` that had not settled. */
  readonly unfinished: number
  /** Finished streams that their peers had not acknowledged. */
  readonly unacknowledged: number
}

interface Closable {
  close(options: { timeout: number }): Promise<number>
}

/**
 * Ends a program well: tells everyone, waits for what was begun, closes the endpoints.
 *
 * @example
 * const graceful = new Graceful({ signals: true })
 * const endpoint = await getEndpoint(key, { graceful })
 * await endpoint.listen(handlers, { signal: graceful.cancelled })
 */
export class Graceful {
  readonly #controller = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  readonly #endpoints = new Set<Closable>()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onSignal = () => {
    this.shutdown()
  }
  #shutdown: Promise<ShutdownReport> | undefined

  /** @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. */
  constructor(options: GracefulOptions = {}) {
    const { signals = false } = options
    this.#signals =
      typeof signals === 'boolean'
        ? signals
          ? ['SIGINT', 'SIGTERM']
          : []
        : (texts(signals, 'options.signals') as NodeJS.Signals[])
    for (const signal of this.#signals) process.on(signal, this.#onSignal)
  }

  /** @internal */
  static add(graceful: Graceful, endpoint: Closable): void {
    graceful.#endpoints.add(endpoint)
  }

  /** @internal */
  static remove(graceful: Graceful, endpoint: Closable): void {
    graceful.#endpoints.delete(endpoint)
  }

  /** Aborted when the shutdown begins: for every call that should end then. */
  get cancelled(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Work that a shutdown waits for: a promise, or a function that is called at once with {@link cancelled}.
   * Gives the work's own promise. The failure of one that nobody awaits is not an unhandled one.
   */
  spawn<T>(work: Promise<T> | ((cancelled: AbortSignal) => Promise<T> | T)): Promise<T> {
    const promise = typeof work === 'function' ? call(work, this.cancelled) : Promise.resolve(work)
    this.#running.add(promise)
    const settled = () => this.#running.delete(promise)
    promise.then(settled, settled)
    return promise
  }

  /**
   * Aborts {@link cancelled}, waits for what was spawned, then closes the endpoints that were given this object.
   * Never rejects; called again, gives the same promise. It does not end the process: that ends when nothing is left to do.
   *
   * A second Ctrl-C ends the process as if nobody had listened for the first.
   *
   * @param options `timeout`: milliseconds for the work and then again for the endpoints. Default: 5 s.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, at once.
   */
  shutdown(options: { timeout?: number } = {}): Promise<ShutdownReport> {
    const timeout = options.timeout === undefined ? defaults.closeTimeout : positive(options.timeout, 'options.timeout')
    this.#shutdown ??= this.#end(timeout)
    return this.#shutdown
  }

  async #end(timeout: number): Promise<ShutdownReport> {
    for (const signal of this.#signals) process.off(signal, this.#onSignal)
    this.#controller.abort(new DOMException('the program is shutting down', 'AbortError'))
    await settledWithin(this.#running, timeout)
    const unfinished = this.#running.size
    const closed = await Promise.allSettled(Array.from(this.#endpoints, endpoint => endpoint.close({ timeout })))
    const unacknowledged = closed.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0)
    return { unfinished, unacknowledged }
  }
}

async function call<T>(work: (cancelled: AbortSignal) => Promise<T> | T, cancelled: AbortSignal): Promise<T> {
  return await work(cancelled)
}

/** Waits until the set is empty, what joins it meanwhile included. */
async function settledWithin(running: ReadonlySet<Promise<unknown>>, timeout: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let late = false
  const time = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      late = true
      resolve()
    }, timeout)
  })
  while (running.size > 0 && !late) await Promise.race([Promise.allSettled(running), time])
  clearTimeout(timer)
}
