import { defaults } from '../endpoint/options.js'
import { checkOptions, type OptionNames } from '../util/option-names.js'
import { invalid, optional } from '../util/validate.js'
import { Log } from './log.js'
import type { LogRecord } from './log-record.js'
import { startBridge } from './wakeups.js'

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
  startBridge()
  return new Log(logger, filter)
}
