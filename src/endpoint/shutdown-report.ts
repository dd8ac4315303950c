import type { Protocol } from '../stream/protocol.js'
import { printable } from '../util/display.js'
import { warnOnce, wordsOf } from '../util/warn.js'

/** What did not end in the time that a shutdown had. */
export interface ShutdownReport {
  /** Everything ended, and everything finished was delivered. */
  readonly clean: boolean
  /** Pieces of work given to `spawn`, and calls of `listen` whose handlers still ran. */
  readonly unfinished: number
  /** The same by name. */
  readonly work: readonly {
    /** As it was given to `spawn`. */
    readonly name: string
    /** How many of that name. */
    readonly count: number
  }[]
  /** Spawned work that failed, the first 100. The reason of `cancelled` is no failure. Does not affect `clean`. */
  readonly failures: readonly {
    /** As it was given to `spawn`. */
    readonly name: string
    /** What it threw. */
    readonly error: unknown
  }[]
  /** Streams that peers had opened and that were cut off. */
  readonly openStreams: number
  /** The same by protocol, as far as a handler or a loop had taken them. */
  readonly streams: readonly {
    /** What they were for. */
    readonly protocol: Protocol
    /** How many of that protocol. */
    readonly count: number
  }[]
  /** Finished streams that their peers had not acknowledged. */
  readonly unacknowledged: number
  /** Endpoints that were still telling their peers: a silent one can take 3 s. They go on, and are closed soon. */
  readonly unclosed: number
}

/** Equal things once, each with how many there were. */
export function tally<T>(all: Iterable<T>): { value: T; count: number }[] {
  const counted = new Map<string, { value: T; count: number }>()
  for (const value of all) {
    const key = JSON.stringify(value)
    const found = counted.get(key)
    if (found === undefined) counted.set(key, { value, count: 1 })
    else found.count++
  }
  return [...counted.values()]
}

/** One line about everything that did not end well; `undefined` when there is nothing to say. */
function summary(report: ShutdownReport): string | undefined {
  const work = report.work.map(({ name, count }) => `${name}${count > 1 ? ` (${count})` : ''}`)
  const said = [
    work.length > 0 && `unfinished: ${work.join(', ')}`,
    ...report.failures.map(({ name, error }) => `${name} failed: ${wordsOf(error).message}`),
    report.openStreams > 0 && `streams cut off: ${report.openStreams}`,
    report.unacknowledged > 0 && `finished streams not acknowledged: ${report.unacknowledged}`,
    report.unclosed > 0 && `endpoints still closing: ${report.unclosed}`
  ].filter(part => part !== false)
  return said.length > 0 ? said.join('; ') : undefined
}

/** Warns of spawned work that failed without a shutdown to report it. */
export function warnFailed(name: string, error: unknown): void {
  warnOnce(error, 'ERR_HANDLER', message => `spawned work ${JSON.stringify(name)} failed: ${message}`)
}

/** Warns of what did not end well. */
export function warnOf(report: ShutdownReport): void {
  const message = summary(report)
  if (message === undefined) return
  const options = { type: 'FastnNetWarning', code: 'ERR_SHUTTING_DOWN' }
  process.emitWarning(
    printable(`the shutdown ended with this left. ${message}. Give Graceful an onReport to see all of it`),
    options
  )
}
