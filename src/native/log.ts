import { defaults } from '../endpoint/options.js'
import { printable, printableLines } from '../util/printable.js'
import { wordsOf } from '../util/warn.js'
import { FAILED, native } from './binding.js'
import { lastFailure } from './failure.js'
import type { LogRecord } from './log-record.js'
import type { Logger } from './logger.js'
import { park, unpark, wakeWord } from './wakeups.js'

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
    unpark(this.#word)
    this.#flush()
    native().handleRelease(this.#handle)
  }

  async #run(): Promise<void> {
    while (this.#open) {
      if (this.#take(batch)) await new Promise<void>(resolve => setTimeout(resolve, 0).unref())
      else await park(this.#word, undefined, false)
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
