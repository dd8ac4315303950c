import { constants } from 'node:os'
import { FastnNetError } from '../errors.js'
import { defaults } from '../settings.js'
import type { Protocol } from '../stream/protocol.js'
import { deadline } from '../util/timeout.js'
import { checkOptions, invalid, type OptionNames, optional, texts, timeLimit } from '../util/validate.js'
import { warnOnce } from '../util/warn.js'
import { type ShutdownReport, tally, warnFailed, warnOf } from './shutdown-report.js'

/** @internal What an endpoint does for its peers. */
export interface Serving {
  /** Calls of `listen` whose handlers run. */
  readonly listening: number
  /** Open streams that peers opened. */
  readonly streams: number
  /** The protocols of those that a handler or loop has taken. */
  readonly protocols: readonly Protocol[]
}

/** @internal What a shutdown needs of an endpoint. */
export interface ShutdownTarget {
  readonly isClosing: boolean
  drain(): void
  close(options: { timeout: number }): Promise<number>
  /** From the first `close` on: what that cut off. */
  serving(): Serving
}

/** @internal An endpoint's place in the shutdown of its {@link Graceful}. */
export interface ShutdownMember {
  /** Has the shutdown wait for a call of `listen`. */
  listening(work: Promise<void>): Promise<void>
  /** Takes the closed endpoint off, unless a shutdown has begun, which reports it. */
  leave(): void
}

/** @internal Adds an endpoint to those that a shutdown closes. */
export let joinShutdown: (graceful: Graceful, endpoint: ShutdownTarget) => ShutdownMember

/** @internal Throws where nothing may begin any more. */
export function checkGraceful(graceful: Graceful): void {
  if (!(graceful instanceof Graceful)) throw invalid('options.graceful', 'a Graceful')
  if (graceful.cancelled.aborted) throw shuttingDown()
}

/** How a {@link Graceful} is triggered. */
export interface GracefulOptions {
  /**
   * Signals of the process that shut down: `true` for SIGINT and SIGTERM, or their names. Default: false, and then no signal is
   * listened for. A worker thread gets no signals.
   */
  signals?: boolean | readonly NodeJS.Signals[] | undefined
  /** Milliseconds for a shutdown, also one by a signal. Default: 5 s. */
  timeout?: number | undefined
  /**
   * Called once, with the report of the shutdown. Default: nothing for a shutdown by call, whose promise gives the report; for one by
   * a signal, a warning of the process where something did not end well.
   */
  onReport?: ((report: ShutdownReport) => unknown) | undefined
}

/** What is known of a piece of work. */
export interface SpawnOptions {
  /** What the report of a shutdown calls it. Default: the function's own name, else `'unnamed'`. */
  name?: string | undefined
}

const gracefulNames: OptionNames<GracefulOptions> = { signals: true, timeout: true, onReport: true }
const spawnNames: OptionNames<SpawnOptions> = { name: true }
const shutdownNames = { timeout: true } as const

/**
 * Ends a program well: takes nothing new, tells everyone, waits for what was begun, closes the endpoints.
 *
 * @example
 * const graceful = new Graceful({ signals: true })
 * const endpoint = await getEndpoint(key, { graceful })
 * await endpoint.listen(handlers, { signal: graceful.cancelled })
 */
export class Graceful {
  readonly #controller = new AbortController()
  // By name; `null` for a call of `listen`, which its endpoint counts.
  readonly #running = new Map<Promise<unknown>, string | null>()
  readonly #endpoints = new Set<ShutdownTarget>()
  readonly #signals: readonly NodeJS.Signals[]
  readonly #onSignal = () => {
    const bySignal = this.#shutdown === undefined
    void this.shutdown().then(report => {
      if (bySignal && this.#onReport === undefined) warnOf(report)
    })
  }
  #shutdown: Promise<ShutdownReport> | undefined
  #reported = false
  #told = false
  readonly #timeout: number
  readonly #onReport: ((report: ShutdownReport) => unknown) | undefined
  readonly #failures: { name: string; error: unknown }[] = []
  readonly #onBeforeExit = () => {
    for (const { name, error } of this.#failures) warnFailed(name, error)
    this.#failures.length = 0
  }

  /** @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. */
  constructor(options: GracefulOptions = {}) {
    const { signals = false, timeout = defaults.closeTimeout, onReport } = checkOptions(options, gracefulNames)
    this.#timeout = timeLimit(timeout, 'options.timeout')
    if (onReport !== undefined && typeof onReport !== 'function') throw invalid('options.onReport', 'a function')
    this.#onReport = onReport
    this.#signals = typeof signals === 'boolean' ? (signals ? ['SIGINT', 'SIGTERM'] : []) : signalNames(signals)
    for (const signal of this.#signals) process.on(signal, this.#onSignal)
  }

  /** Aborted when the shutdown begins: for every call that should end then. */
  get cancelled(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Work that a shutdown waits for: a promise, or a function that is called at once with {@link cancelled}. Work that comes while
   * a shutdown waits is waited for as well.
   *
   * Gives the work's own promise. Its failure is never an unhandled rejection: it is in the report of the shutdown, or a warning of the
   * process where that ends without a shutdown.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, at once; the promise rejects with `ERR_SHUTTING_DOWN` for a function that comes
   * after the shutdown has waited: it is not called.
   */
  spawn<T>(work: Promise<T> | ((cancelled: AbortSignal) => Promise<T> | T), options: SpawnOptions = {}): Promise<T> {
    const called = typeof work === 'function'
    checkOptions(options, spawnNames)
    const name = optional('string', options.name, 'options.name') ?? ((called && work.name) || 'unnamed')
    const late = called && this.#reported
    const promise = late ? Promise.reject(shuttingDown()) : called ? call(work, this.cancelled) : Promise.resolve(work)
    this.#track(promise, name, error => late || this.#failed(name, error))
    return promise
  }

  #track(promise: Promise<unknown>, name: string | null, failed: (error: unknown) => unknown): void {
    this.#running.set(promise, name)
    const settled = () => this.#running.delete(promise)
    promise.then(settled, error => {
      settled()
      failed(error)
    })
  }

  /**
   * Ends everything, in this order:
   *
   * 1. The endpoints that were given this object {@link Endpoint.drain | drain}: peers' new streams and connections are refused,
   *    and loops end. {@link cancelled} is aborted.
   * 2. What was spawned, handlers of `listen` and streams that peers opened before go on to their end. They may use four fifths
   *    of the time, and open streams to others meanwhile. Streams that this side opened are waited for only by what was spawned.
   * 3. The endpoints close, all side by side: what was finished is delivered, what is open is cut off, peers learn it at once.
   *
   * An endpoint that is closed by {@link Endpoint.close} meanwhile, or was being closed before, cuts off its open streams at once.
   * The report counts these as well.
   *
   * Never rejects; called again, gives the same promise. Do not await it in a handler or in spawned work: it waits for these. It
   * does not end the process: that ends when nothing is left to do. From the call on, a signal such as a second Ctrl-C ends the
   * process as if nobody had listened.
   *
   * @param options `timeout`: milliseconds for all of it. Default: {@link GracefulOptions.timeout}.
   * @returns what did not end in time.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, at once.
   */
  shutdown(options: { timeout?: number | undefined } = {}): Promise<ShutdownReport> {
    checkOptions(options, shutdownNames)
    const timeout = options.timeout === undefined ? this.#timeout : timeLimit(options.timeout, 'options.timeout')
    if (this.#shutdown !== undefined) return this.#shutdown
    // Before anybody is told of it: whoever is may call this again.
    let begin = (_: Promise<ShutdownReport>) => {}
    this.#shutdown = new Promise(resolve => {
      begin = resolve
    })
    begin(this.#end(timeout))
    return this.#shutdown
  }

  async #end(timeout: number): Promise<ShutdownReport> {
    for (const signal of this.#signals) process.off(signal, this.#onSignal)
    const until = performance.now() + timeout
    for (const endpoint of this.#endpoints) endpoint.drain()
    this.#controller.abort(new DOMException('the program is shutting down', 'AbortError'))
    await this.#settled(timeout * forWork)
    this.#reported = true
    // Of an endpoint that somebody else closes meanwhile, this is what that cut off.
    const serving = Array.from(this.#endpoints, endpoint => endpoint.serving())
    const listening = serving.flatMap(({ listening }) => Array<string>(listening).fill('listen'))
    const running = [...this.#running.values()].filter(name => name !== null)
    const unfinished = running.length + listening.length
    const work = tally([...running, ...listening]).map(({ value: name, count }) => ({ name, count }))
    const openStreams = serving.reduce((sum, { streams }) => sum + streams, 0)
    const protocols = serving.flatMap(({ protocols }) => protocols)
    const streams = tally(protocols).map(({ value: protocol, count }) => ({ protocol, count }))
    const { unacknowledged, unclosed } = await this.#close(Math.max(until - performance.now(), 0))
    const clean = unfinished + openStreams + unacknowledged + unclosed === 0
    this.#told = true
    this.#endpoints.clear()
    const failures = this.#failures.splice(0)
    process.off('beforeExit', this.#onBeforeExit)
    const report = { clean, unfinished, work, failures, openStreams, streams, unacknowledged, unclosed }
    await this.#tell(report)
    return report
  }

  async #tell(report: ShutdownReport): Promise<void> {
    try {
      await this.#onReport?.(report)
    } catch (error) {
      warnOnce(error, 'ERR_HANDLER', message => `onReport failed: ${message}`)
    }
  }

  #failed(name: string, error: unknown): void {
    // What was told to end did.
    if (this.cancelled.aborted && error === this.cancelled.reason) return
    if (this.#told) {
      warnFailed(name, error)
      return
    }
    if (this.#failures.length === 0) process.once('beforeExit', this.#onBeforeExit)
    if (this.#failures.length < maxFailures) this.#failures.push({ name, error })
  }

  /** Waits for all work, what joins it meanwhile included, and for the streams of peers that no work stands for. */
  async #settled(most: number): Promise<void> {
    const time = deadline(most)
    for (;;) {
      if (this.#running.size > 0) await Promise.race([Promise.allSettled(this.#running.keys()), time.passed])
      else if (this.#isServing()) await new Promise(resolve => setTimeout(resolve, streamsEveryMs))
      else break
      if (time.hasPassed) break
    }
    time.stop()
  }

  async #close(timeout: number): Promise<Pick<ShutdownReport, 'unacknowledged' | 'unclosed'>> {
    let unclosed = 0
    let unacknowledged = 0
    const closing = Array.from(this.#endpoints, async endpoint => {
      unclosed++
      unacknowledged += await endpoint.close({ timeout: Math.ceil(timeout * forDelivery) })
      unclosed--
    })
    const time = deadline(timeout)
    await Promise.race([Promise.allSettled(closing), time.passed])
    time.stop()
    return { unacknowledged, unclosed }
  }

  #isServing(): boolean {
    for (const endpoint of this.#endpoints) if (!endpoint.isClosing && endpoint.serving().streams > 0) return true
    return false
  }

  static {
    joinShutdown = (graceful, endpoint) => {
      graceful.#endpoints.add(endpoint)
      return {
        listening(work) {
          graceful.#track(work, null, error => graceful.#failed('listen', error))
          return work
        },
        leave() {
          if (graceful.#shutdown === undefined || graceful.#told) graceful.#endpoints.delete(endpoint)
        }
      }
    }
  }
}

/** The share of the time that work and streams may use; the rest is for delivering what was finished, and for telling peers. */
const forWork = 0.8

/** The share of what is left that goes to delivery: a peer that is gone acknowledges nothing, and is then told for a while. */
const forDelivery = 0.5

/** Streams that no work stands for are looked after this often. */
const streamsEveryMs = 20

/** More failures than this are not kept. */
const maxFailures = 100

/** Names of signals that can be listened for. */
function signalNames(signals: readonly string[]): NodeJS.Signals[] {
  return texts(signals, 'options.signals').map((name, at) => {
    if (name in constants.signals && name !== 'SIGKILL' && name !== 'SIGSTOP') return name as NodeJS.Signals
    throw invalid(`options.signals[${at}]`, "a signal that can be listened for, as 'SIGTERM'")
  })
}

async function call<T>(work: (cancelled: AbortSignal) => Promise<T> | T, cancelled: AbortSignal): Promise<T> {
  return await work(cancelled)
}

function shuttingDown(): FastnNetError {
  return new FastnNetError('ERR_SHUTTING_DOWN', 'the program is shutting down: nothing new begins', {
    phase: 'shutdown'
  })
}
