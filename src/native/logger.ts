import { defaults } from '../settings.js'
import { printable, printableLines } from '../util/display.js'
import { checkOptions, invalid, type OptionNames, optional } from '../util/validate.js'
import { describeError } from '../util/warn.js'
import { native } from './addon.js'
import { FAILED } from './binding.js'
import { lastFailure } from './failure.js'
import { never, startWakeups, waitForWake, wake, wakeWord } from './wakeups.js'

/** Severity of a log record. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Log record of the native side. Contains no secret key and no content of a stream. */
export interface LogRecord {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number
  /** Severity. */
  readonly level: LogLevel
  /** Module that logs: `fastn_net::…` for this library, `iroh::…`, `noq::…` and others for its transport. */
  readonly target: string
  /** Human-readable text. */
  readonly message: string
  /**
   * Fields of the record and of its spans. Records of this library have `peer` (ID52), `connection` and `stream` (numbers) where
   * they apply. Integers beyond 2^53 are strings.
   */
  readonly fields: { readonly [name: string]: string | number | boolean }
  /** Number of records that were lost here because the logger was too slow. Only set where records were lost. */
  readonly dropped?: number
}

/** Receives log records. If it throws or rejects, the process gets one warning (`ERR_LOGGER`), and logging continues. */
export type Logger = (record: LogRecord) => unknown

/** Options of {@link setLogger}. */
export interface LoggerOptions {
  /**
   * Levels by target: `target=level`, comma-separated. The longest target that is a prefix of the record's target wins. A level alone
   * applies to all other targets. Default: `warn,fastn_net=info`.
   */
  filter?: string | undefined
}

const loggerNames: OptionNames<LoggerOptions> = { filter: true }

let current: Log | undefined

/**
 * Passes the log records of the native side to a function; `null` removes it. Each thread has one logger, which receives the records
 * of all endpoints of the process.
 *
 * Records arrive in batches. Up to 4 MiB of them wait; more are dropped, and a record with `dropped` takes their place. The remaining
 * records are passed on when the logger is removed, and at the process's `exit` event. Does not keep the process alive. Costs nothing
 * while there is no logger.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` names the unreadable part of the filter; the previous logger stays. `ERR_BUSY` if
 * other native code in the process owns the tracing subscriber. `ERR_NATIVE`.
 *
 * @example
 * setLogger(({ level, message, fields }) => console.error(level, message, fields), { filter: 'warn,fastn_net=debug' })
 */
export function setLogger(logger: Logger | null, options: LoggerOptions = {}): void {
  if (logger !== null && typeof logger !== 'function') throw invalid('logger', 'a function or null')
  checkOptions(options, loggerNames)
  const filter = optional('string', options.filter, 'options.filter') ?? defaults.logFilter
  const before = current
  current = logger === null ? undefined : open(logger, filter)
  before?.close()
}

function open(logger: Logger, filter: string): Log {
  startWakeups()
  return new Log(logger, filter)
}

// A limited batch per turn of the event loop: a logger that itself causes records does not block other work.
const batch = 256
const all = 0xffffffff

/** The records of the native side on their way to one logger. */
export class Log {
  readonly #logger: Logger
  readonly #handle: number
  readonly #word: number
  readonly #flush = () => this.#take(all)
  #open = true
  #waiting: LogRecord[] = []

  constructor(logger: Logger, filter: string) {
    this.#logger = logger
    this.#handle = native().logOpen(filter, defaults.logBytes)
    if (this.#handle === FAILED) throw lastFailure({ phase: 'log' })
    this.#word = wakeWord(this.#handle, 2)
    process.on('exit', this.#flush)
    void this.#run()
  }

  /** The logger gets what waits, and then nothing more. */
  close(): void {
    this.#open = false
    process.off('exit', this.#flush)
    wake(this.#word)
    this.#flush()
    native().handleRelease(this.#handle)
  }

  async #run(): Promise<void> {
    while (this.#open) {
      if (this.#take(batch)) await new Promise<void>(resolve => setTimeout(resolve, 0).unref())
      else await waitForWake(this.#word, undefined, never)
    }
  }

  #take(most: number): boolean {
    const text = native().logTake(this.#handle, most)
    if (text === null) return false
    const records = JSON.parse(text) as LogRecord[]
    // Behind what a call further out has not given yet: a logger that takes itself off comes back here.
    this.#waiting = this.#waiting.concat(records)
    for (let record = this.#waiting.shift(); record !== undefined; record = this.#waiting.shift()) this.#give(record)
    return true
  }

  #give(record: LogRecord): void {
    try {
      const result = this.#logger(record)
      if (result instanceof Promise) result.catch(warn)
    } catch (error) {
      warn(error)
    }
  }
}

let warned = false

function warn(error: unknown): void {
  if (warned) return
  warned = true
  const { message, stack } = describeError(error)
  process.emitWarning(
    `the function given to setLogger failed: ${printable(message)}. Later failures are not reported; logging continues`,
    {
      type: 'FastnNetWarning',
      code: 'ERR_LOGGER',
      detail: printableLines(stack)
    }
  )
}
