import { defaults } from '../settings.js'
import { printable, printableLines } from '../util/display.js'
import { checkOptions, invalid, type OptionNames, optional } from '../util/validate.js'
import { wordsOf } from '../util/warn.js'
import { native } from './addon.js'
import { FAILED } from './binding.js'
import { lastFailure } from './failure.js'
import { startWakeups, waitForWake, wake, wakeWord } from './wakeups.js'

/** How much a record matters. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** One thing that the native side tells of its work. */
export interface LogRecord {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number
  /** How much it matters. */
  readonly level: LogLevel
  /** Who says it: `fastn_net::…` for this library, `iroh::…`, `noq::…` and others for its transport. */
  readonly target: string
  /** What is said, for a person. */
  readonly message: string
  /**
   * What it is about, with what the spans around it say. This library's own have `peer` (ID52), `connection` and `stream`
   * (numbers), where they apply. Whole numbers beyond 2^53 are texts.
   */
  readonly fields: { readonly [name: string]: string | number | boolean }
  /** Only where records were lost, in their place: how many, for they came faster than the logger took them. */
  readonly dropped?: number
}

/** Takes the records. What it throws, or rejects with, is a warning of the process, once, and stops nothing. */
export type Logger = (record: LogRecord) => unknown

/** Which records a logger is told. */
export interface LoggerOptions {
  /**
   * Levels by target, `target=level` with commas between: the longest target that a record's own begins with decides, a level
   * alone is for all others. Default: `warn,fastn_net=info`.
   */
  filter?: string | undefined
}

const loggerNames: OptionNames<LoggerOptions> = { filter: true }

let current: Log | undefined

/**
 * Gives what the native side tells of its work to a function, in this thread; `null` ends that. One logger at a time: another
 * one takes its place. Each thread has its own, and hears of all endpoints of the process.
 *
 * Records come in batches, shortly after they were made. They wait in 4 MiB at most; what does not fit is dropped, and told as a
 * record with `dropped`. A logger does not keep the process alive: what waits at the `exit` event, or when it is taken off, is
 * given to it then. Without a logger nothing is recorded, and that costs nothing.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, naming the part of the filter that cannot be read, and the logger before stays;
 * `ERR_BUSY` when other native code in the process takes all tracing; `ERR_NATIVE`.
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

// So many at a time, and then the event loop goes round: a logger that makes records itself holds up nobody else.
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
      else await waitForWake(this.#word, undefined, false)
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
  const { message, stack } = wordsOf(error)
  process.emitWarning(
    `the function given to setLogger failed: ${printable(message)}. It is told once; records go on coming`,
    {
      type: 'FastnNetWarning',
      code: 'ERR_LOGGER',
      detail: printableLines(stack)
    }
  )
}
