import { defaults } from '../settings.js'
import { builtin } from '../util/builtin.js'
import { checkOptions, invalid, type OptionNames, optional, stringArray, timeLimit } from '../util/validate.js'
import type { ShutdownReport } from './shutdown-report.js'

/** Options of {@link Graceful}. */
export interface GracefulOptions {
  /**
   * Process signals that start the shutdown: a list of names, or `true` for SIGINT and SIGTERM. Worker threads receive no signals.
   * Default: false, none.
   */
  signals?: boolean | readonly NodeJS.Signals[] | undefined
  /** Timeout of a shutdown in milliseconds. Default: 5 s. */
  timeout?: number | undefined
  /**
   * Called once, with the report of the shutdown. Default: none. A shutdown by signal then emits a process warning if work was left
   * unfinished.
   */
  onReport?: ((report: ShutdownReport) => unknown) | undefined
  /**
   * Ends the process after a shutdown by signal, once the endpoints are closed and `onReport` has settled, whatever else keeps the process
   * alive: a pending read of stdin, for example. The exit status is 128 plus the number of the signal: 130 for SIGINT, 143 for SIGTERM.
   * Another signal ends the process at once, with that status. Needs `signals`.
   *
   * Default: false. The process ends when nothing keeps it alive, and a second signal has its default action.
   */
  exit?: boolean | undefined
}

const gracefulNames: OptionNames<GracefulOptions> = { signals: true, timeout: true, onReport: true, exit: true }

/** @internal Checked options with defaults filled in. */
export interface ResolvedGraceful {
  readonly signals: readonly NodeJS.Signals[]
  readonly timeout: number
  readonly onReport: GracefulOptions['onReport']
  readonly exit: boolean
}

/** @internal Checks options of a `Graceful` and fills in the defaults. */
export function resolveOptions(options: GracefulOptions, path = 'options'): ResolvedGraceful {
  const {
    signals = false,
    timeout = defaults.gracefulTimeout,
    onReport,
    exit
  } = checkOptions(options, gracefulNames, path)
  if (onReport !== undefined && typeof onReport !== 'function') throw invalid(`${path}.onReport`, 'a function')
  const resolved = {
    timeout: timeLimit(timeout, `${path}.timeout`),
    onReport,
    exit: optional('boolean', exit, `${path}.exit`) ?? false,
    signals: typeof signals === 'boolean' ? (signals ? usualSignals : []) : signalNames(signals, `${path}.signals`)
  }
  if (resolved.exit && resolved.signals.length === 0) throw invalid(`${path}.exit`, 'given with signals')
  return resolved
}

/** @internal Checks the options that an endpoint is given in place of a `Graceful`: they handle signals by default. */
export function resolveOptionsOfEndpoint(given: GracefulOptions | true): ResolvedGraceful {
  const path = 'options.graceful'
  const options =
    given === true ? {} : checkOptions(given, gracefulNames, path, 'true, a plain object of options, or a Graceful')
  return resolveOptions(options.signals === undefined ? { ...options, signals: true } : options, path)
}

const usualSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']

/** Checks names of signals that a process can handle. */
function signalNames(signals: readonly string[], path: string): NodeJS.Signals[] {
  return stringArray(signals, path).map((name, index) => {
    if (name in builtin('node:os').constants.signals && name !== 'SIGKILL' && name !== 'SIGSTOP')
      return name as NodeJS.Signals
    throw invalid(`${path}[${index}]`, "a signal that a process can handle, such as 'SIGTERM'")
  })
}
