import { FastnNetError } from '../errors.js'
import { builtin } from '../util/builtin.js'
import { checkNotGenerator, checkNotIterator } from '../util/generators.js'
import { shutdownReason } from '../util/shutdown-reason.js'
import { isThenable } from '../util/thenable.js'
import { checkOptions, invalid, kindOf, type OptionNames, optional, timeLimit } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import {
  type GracefulOptions,
  type ResolvedGraceful,
  resolveOptions,
  resolveOptionsOfEndpoint
} from './graceful-options.js'
import type { ShutdownReport } from './shutdown-report.js'
import type { ShutdownMember, ShutdownTarget } from './shutdown-target.js'

/** @internal Adds an endpoint to the shutdown. */
export let joinShutdown: (graceful: Graceful, endpoint: ShutdownTarget) => ShutdownMember

/** @internal A `Graceful` for one endpoint, which handles its signals until that endpoint is closed. */
let gracefulFor: (options: ResolvedGraceful) => Graceful

/**
 * @internal Checks the option `graceful` of an endpoint. The result makes a `Graceful` of it; call that once nothing else can fail, because
 * it may handle signals from then on.
 *
 * @throws {FastnNetError} `ERR_SHUTTING_DOWN` if the shutdown has begun. `ERR_INVALID_ARGUMENT`.
 */
export function resolveGraceful(given: Graceful | GracefulOptions | boolean | undefined): () => Graceful | undefined {
  if (given === undefined || given === false) return () => undefined
  if (given instanceof Graceful) {
    checkNotShuttingDown(given)
    return () => given
  }
  const resolved = resolveOptionsOfEndpoint(given)
  return () => gracefulFor(resolved)
}

/** @internal Throws `ERR_SHUTTING_DOWN` if the shutdown has begun. */
export function checkNotShuttingDown(graceful: Graceful): void {
  if (graceful.cancelled.aborted) throw shuttingDown()
}

/** Options of {@link Graceful.spawn}. */
export interface SpawnOptions {
  /** Name of the work in the shutdown report. Default: the function's name, else `'unnamed'`. */
  name?: string | undefined
}

const spawnNames: OptionNames<SpawnOptions> = { name: true }
const shutdownNames = { timeout: true } as const

/**
 * Graceful shutdown: refuses new work, waits for work in progress, then closes the endpoints. For one endpoint and no other work,
 * `createEndpoint({ graceful: true })` is enough.
 *
 * @example
 * const graceful = new Graceful({ signals: true })
 * const endpoint = await createEndpoint({ graceful })
 * graceful.spawn(cancelled => poll(endpoint, cancelled))
 */
export class Graceful {
  readonly #controller = new AbortController()
  // Values are names; `null` for a call of `listen`, which its endpoint counts.
  readonly #running = new Map<Promise<unknown>, string | null>()
  readonly #endpoints = new Set<ShutdownTarget>()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onSignal = (signal: NodeJS.Signals) => {
    const isFirst = this.#shutdown === undefined
    const status = 128 + builtin('node:os').constants.signals[signal]
    if (this.#exit && !isFirst) process.exit(status)
    void this.shutdown().then(async report => {
      if (isFirst && this.#onReport === undefined) (await shutdownCode()).warnUnclean(report)
      // Later, because warnings are printed in the next tick.
      if (this.#exit) setImmediate(() => process.exit(status))
    })
  }
  #shutdown: Promise<ShutdownReport> | undefined
  /** The shutdown no longer waits for new work. */
  #hasWaited = false
  #hasReported = false
  /** Made for the one endpoint that it has. */
  #isOfEndpoint = false
  readonly #timeout: number
  readonly #exit: boolean
  readonly #onReport: ((report: ShutdownReport) => unknown) | undefined
  readonly #failures: { name: string; error: unknown }[] = []
  readonly #onBeforeExit = () => {
    for (const { name, error } of this.#failures) warnFailed(name, error)
    this.#failures.length = 0
  }

  /**
   * Prepares a graceful shutdown: it refuses new work, waits for work in progress, then closes the endpoints that were given it. With
   * `signals`, Ctrl-C begins it.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * const graceful = new Graceful({ signals: true })
   * const endpoint = await createEndpoint({ graceful })
   */
  constructor(options: GracefulOptions = {}) {
    const { signals, timeout, onReport, exit } = resolveOptions(options)
    this.#timeout = timeout
    this.#onReport = onReport
    this.#exit = exit
    this.#signals = signals
    for (const signal of signals) process.on(signal, this.#onSignal)
  }

  /** Aborts when the shutdown begins. Pass it to calls that should end then. */
  get cancelled(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Makes the shutdown wait for work: a promise, or a function that is called immediately with {@link cancelled}. Work spawned while a
   * shutdown waits counts too. A generator is no work: nothing would run it.
   *
   * Returns the promise of the work. A rejection is never unhandled: the shutdown report lists it. If the process ends without a shutdown,
   * it is a process warning.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, synchronously. If the shutdown no longer waits, a function is not called and the
   * promise rejects with `ERR_SHUTTING_DOWN`.
   *
   * @example
   * graceful.spawn(async cancelled => {
   *   while (!cancelled.aborted) await poll(cancelled)
   * }, { name: 'poll' })
   */
  spawn<T>(work: Promise<T> | ((cancelled: AbortSignal) => Promise<T> | T), options: SpawnOptions = {}): Promise<T> {
    const isFunction = typeof work === 'function'
    if (isFunction) checkNotGenerator(work, 'work')
    else if (!isThenable(work)) throw invalid('work', `a promise or a function, not ${kindOf(work)}`)
    checkOptions(options, spawnNames)
    const name = optional('string', options.name, 'options.name') ?? ((isFunction && work.name) || 'unnamed')
    const isLate = isFunction && this.#hasWaited
    const promise = isLate
      ? Promise.reject(shuttingDown())
      : isFunction
        ? call(work, this.cancelled)
        : Promise.resolve(work)
    this.#track(promise, name, error => isLate || this.#failed(name, error))
    return promise
  }

  #track(promise: Promise<unknown>, name: string | null, onFailure: (error: unknown) => unknown): void {
    this.#running.set(promise, name)
    const settled = () => this.#running.delete(promise)
    promise.then(settled, error => {
      settled()
      onFailure(error)
    })
  }

  /**
   * Shuts down, in this order:
   *
   * 1. The endpoints with this `graceful` option {@link Endpoint.drain | drain}: they refuse new streams and connections, and loops end.
   *    {@link cancelled} aborts.
   * 2. Spawned work, handlers of `listen` and streams that peers opened run to completion, for at most four fifths of the timeout. They
   *    may open new streams. A stream that this side opened counts only as part of spawned work or a handler.
   * 3. The endpoints close concurrently: finished streams are delivered, open ones are cut off, and peers are notified.
   *
   * An endpoint that {@link Endpoint.close} is closing cuts off its open streams immediately. The report counts them too.
   *
   * Never rejects. Later calls return the same promise. Do not await it in a handler or in spawned work, which it waits for. Does not end
   * the process. From now on, a signal of {@link GracefulOptions.signals} ends the process at once.
   *
   * @param options `timeout`: limit of the whole shutdown, in milliseconds. Default: {@link GracefulOptions.timeout}.
   * @returns Report of the work that did not end in time.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, synchronously.
   */
  shutdown(options: { timeout?: number | undefined } = {}): Promise<ShutdownReport> {
    checkOptions(options, shutdownNames)
    const timeout = options.timeout === undefined ? this.#timeout : timeLimit(options.timeout, 'options.timeout')
    if (this.#shutdown !== undefined) return this.#shutdown
    // Set before the shutdown runs: its abort listeners may call this method again.
    let resolveWith = (_: Promise<ShutdownReport>) => {}
    this.#shutdown = new Promise(resolve => {
      resolveWith = resolve
    })
    resolveWith(this.#run(timeout))
    return this.#shutdown
  }

  async #run(timeout: number): Promise<ShutdownReport> {
    if (!this.#exit) this.#ignoreSignals()
    const closeBy = performance.now() + timeout
    for (const endpoint of this.#endpoints) endpoint.drain()
    this.#controller.abort(shutdownReason())
    const { closeAll, reportOf, unfinishedWork, waitForWork } = await shutdownCode()
    await waitForWork(this.#running, this.#endpoints, timeout * workShare)
    this.#hasWaited = true
    const unfinished = unfinishedWork(this.#running, this.#endpoints)
    const ended = await closeAll(this.#endpoints, Math.max(closeBy - performance.now(), 0))
    this.#hasReported = true
    this.#endpoints.clear()
    process.off('beforeExit', this.#onBeforeExit)
    const report = reportOf(unfinished, ended, this.#failures.splice(0))
    await this.#report(report)
    return report
  }

  #ignoreSignals(): void {
    for (const signal of this.#signals) process.off(signal, this.#onSignal)
  }

  async #report(report: ShutdownReport): Promise<void> {
    try {
      await this.#onReport?.(report)
    } catch (error) {
      warnOnce(error, 'ERR_HANDLER', message => `onReport failed: ${message}`)
    }
  }

  #failed(name: string, error: unknown): void {
    // Work that ends because of the cancellation has not failed.
    if (this.cancelled.aborted && error === this.cancelled.reason) return
    if (this.#hasReported) {
      warnFailed(name, error)
      return
    }
    if (this.#failures.length === 0) process.once('beforeExit', this.#onBeforeExit)
    if (this.#failures.length < maxFailures) this.#failures.push({ name, error })
  }

  static {
    joinShutdown = (graceful, endpoint) => {
      graceful.#endpoints.add(endpoint)
      return {
        listening(closed) {
          graceful.#track(closed, null, error => graceful.#failed('listen', error))
        },
        leave() {
          if (graceful.#shutdown !== undefined && !graceful.#hasReported) return
          graceful.#endpoints.delete(endpoint)
          if (graceful.#isOfEndpoint) graceful.#ignoreSignals()
        }
      }
    }
    gracefulFor = options => {
      const graceful = new Graceful(options)
      graceful.#isOfEndpoint = true
      return graceful
    }
  }
}

/** Share of the timeout for work and streams. The rest is for delivery and for notifying peers. */
const workShare = 0.8

/** Bound on the failures kept for the report. */
const maxFailures = 100

async function call<T>(work: (cancelled: AbortSignal) => Promise<T> | T, cancelled: AbortSignal): Promise<T> {
  const result = await work(cancelled)
  checkNotIterator(result, 'the spawned function')
  return result
}

function warnFailed(name: string, error: unknown): void {
  warnOnce(error, 'ERR_HANDLER', message => `spawned work ${JSON.stringify(name)} failed: ${message}`)
}

// Loaded by the first shutdown: programs may have a `Graceful` and no endpoint.
function shutdownCode(): Promise<typeof import('./shutdown.js')> {
  return import('./shutdown.js')
}

function shuttingDown(): FastnNetError {
  return new FastnNetError('ERR_SHUTTING_DOWN', 'the program is shutting down and starts no new work', {
    phase: 'shutdown'
  })
}
