import { describeProtocol, type Protocol } from '../stream/protocol.js'
import { printable } from '../util/display.js'
import { describeError, warnOnce } from '../util/warn.js'

/** Work that a shutdown left unfinished. */
export interface ShutdownReport {
  /** Whether all work ended and all finished streams were delivered. */
  readonly clean: boolean
  /** Spawned work that still ran, plus calls of `listen` with running handlers, plus tasks of the native core. */
  readonly unfinished: number
  /** The work counted in `unfinished`, by name. */
  readonly work: readonly {
    /** Name passed to `spawn`, `'listen'`, or `'native task'`. */
    readonly name: string
    /** Amount of work with this name. */
    readonly count: number
  }[]
  /** The first 100 failures of spawned work. Rejecting with the reason of `cancelled` is not a failure. Does not affect `clean`. */
  readonly failures: readonly {
    /** Name passed to `spawn`, or `'listen'`. */
    readonly name: string
    /** What the work threw. */
    readonly error: unknown
  }[]
  /** Streams opened by peers that were cut off. */
  readonly openStreams: number
  /** The streams of `openStreams` that a handler or loop had taken, by protocol. */
  readonly streams: readonly {
    /** Protocol of the streams. */
    readonly protocol: Protocol
    /** Number of streams. */
    readonly count: number
  }[]
  /** Finished streams that were not acknowledged in time. */
  readonly unacknowledged: number
  /** Endpoints still notifying peers. They close later: a silent peer can take 3 s. */
  readonly unclosed: number
}

/** Counts equal values, compared as JSON. */
export function countEqual<T>(all: Iterable<T>): { value: T; count: number }[] {
  const counted = new Map<string, { value: T; count: number }>()
  for (const value of all) {
    const key = JSON.stringify(value)
    const found = counted.get(key)
    if (found === undefined) counted.set(key, { value, count: 1 })
    else found.count++
  }
  return [...counted.values()]
}

/** One-line summary of unfinished and failed work; `undefined` if there is none. */
function summary(report: ShutdownReport): string | undefined {
  const work = report.work.map(({ name, count }) => {
    if (name === 'listen' && report.streams.length > 0) return `handlers of ${protocolsOf(report)}`
    return `${name}${count > 1 ? ` (${count})` : ''}`
  })
  const parts = [
    work.length > 0 && `unfinished: ${work.join(', ')}`,
    ...report.failures.map(({ name, error }) => `${name} failed: ${describeError(error).message}`),
    report.openStreams > 0 && `streams cut off: ${report.openStreams}`,
    report.unacknowledged > 0 && `finished streams not acknowledged: ${report.unacknowledged}`,
    report.unclosed > 0 && `endpoints still closing: ${report.unclosed}`
  ].filter(part => part !== false)
  return parts.length > 0 ? parts.join('; ') : undefined
}

function protocolsOf({ streams }: ShutdownReport): string {
  const named = streams.slice(0, maxNamed).map(({ protocol }) => describeProtocol(protocol))
  const more = streams.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} other protocols` : ''}`
}

/** Bound on the protocols that a warning names. */
const maxNamed = 5

/** Warns about failed work that no shutdown report lists. */
export function warnFailed(name: string, error: unknown): void {
  warnOnce(error, 'ERR_HANDLER', message => `spawned work ${JSON.stringify(name)} failed: ${message}`)
}

/** Warns about unfinished and failed work. */
export function warnUnclean(report: ShutdownReport): void {
  const message = summary(report)
  if (message === undefined) return
  const options = { type: 'FastnNetWarning', code: 'ERR_SHUTTING_DOWN' }
  const raise = report.unfinished + report.openStreams > 0 ? 'Raise graceful.timeout to give work more time. ' : ''
  const advice = `${raise}Set the option onReport of Graceful to see all of it`
  process.emitWarning(printable(`the shutdown ended with problems: ${message}. ${advice}`), options)
}
